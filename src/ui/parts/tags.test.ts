import { expect, test } from 'vitest';
import { splitCompletion } from './tags';

function kinds(text: string): string[] {
  return splitCompletion(text).map((part) => part.kind);
}

test('a completion in form is two pairs of tags with thought and answer', () => {
  expect(kinds('<thought> The circle is pink.</thought>\n<answer>pink</answer>')).toEqual([
    'thoughtTag',
    'thought',
    'thoughtTag',
    'space',
    'answerTag',
    'answer',
    'answerTag',
  ]);
});

test('a tag without its partner is broken, the text after it is still shown as its content', () => {
  expect(kinds('<thought><thought> It is yellow.<answer> yellow')).toEqual([
    'brokenTag',
    'brokenTag',
    'thought',
    'brokenTag',
    'answer',
  ]);
});

test('of two opening tags before one closing tag the second is broken', () => {
  expect(kinds('<answer>orange<answer>triangle</answer>')).toEqual([
    'answerTag',
    'answer',
    'brokenTag',
    'answer',
    'answerTag',
  ]);
});

test('text outside the tags and half-written tags are outside', () => {
  expect(kinds('<answer The star is pink.</thought>')).toEqual(['outside', 'brokenTag']);
  expect(kinds('yes')).toEqual(['outside']);
});

test('markup is kept as characters, nothing is lost', () => {
  const text = '<b onclick="x">hi</b> <ANSWER>no</ANSWER> \u202e<answer>\n</answer>tail';
  expect(
    splitCompletion(text)
      .map((part) => part.text)
      .join(''),
  ).toBe(text);
});
