import { expect, test } from 'vitest';
import { fillTemplate } from './fillTemplate';

test('every place of a name is filled, and what has no value stays', () => {
  expect(fillTemplate('{a} and {b} and {a}, {c}', { a: 'x', b: 'y' })).toBe('x and y and x, {c}');
  expect(fillTemplate('{toString} {constructor}', {})).toBe('{toString} {constructor}');
});

test('text that is filled in is data: places and replacement patterns in it mean nothing', () => {
  const thought = "{answer} $& $` $' $1 $$ {thought}";
  expect(fillTemplate('<t>{thought}</t><a>{answer}</a>', { thought, answer: '$`{thought}' })).toBe(
    `<t>${thought}</t><a>$\`{thought}</a>`,
  );
});
