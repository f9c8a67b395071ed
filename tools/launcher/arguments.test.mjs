import { expect, test } from 'vitest';
import { readArguments, readInteger } from './arguments.mjs';

const TRAIN = {
  data: { type: 'string', value: 'DIR', about: 'data' },
  out: { type: 'string', value: 'DIR', about: 'results' },
  headed: { type: 'boolean', about: 'window' },
};

/** What the person reads: message and hint. */
function refusal(work) {
  try {
    work();
  } catch (error) {
    return `${error.message} ${error.hint ?? ''}`;
  }
  return 'accepted';
}

test('flags are read with a space or an equals sign', () => {
  expect(readArguments('train', TRAIN, ['--data', 'a', '--out=b', '--headed'], {})).toEqual({
    data: 'a',
    out: 'b',
    headed: true,
  });
});

test('a flag that npm swallowed with its value as a lone word is answered with the right command', () => {
  const text = refusal(() => readArguments('train', TRAIN, ['my/data'], { npm_config_data: 'true' }));
  expect(text).toContain('npm run train -- --data my/data');
});

test('flags that npm swallowed with equals signs keep their values', () => {
  const environment = { npm_config_data: 'x', npm_config_headed: 'true' };
  const text = refusal(() => readArguments('train', TRAIN, [], environment));
  expect(text).toContain('npm run train -- --data x --headed');
});

test('npm test is named without run', () => {
  const text = refusal(() => readArguments('test', { fast: TRAIN.headed }, [], { npm_config_fast: 'true' }));
  expect(text).toContain('npm test -- --fast');
});

test('an unknown flag is named, with the flags there are', () => {
  const text = refusal(() => readArguments('train', TRAIN, ['--dat', 'x'], {}));
  expect(text).toContain('--dat');
  expect(text).toContain('--data DIR');
});

test('a command that takes a word refuses a second one', () => {
  expect(readArguments('verify', { positional: 'DIR' }, ['a'], {})).toEqual({ positional: 'a' });
  expect(refusal(() => readArguments('verify', { positional: 'DIR' }, ['a', 'b'], {}))).toContain('unexpected word: b');
});

test('a command that takes any number of words has them as a list', () => {
  const spec = { positional: 'FILE...' };
  expect(readArguments('test:lavapipe', spec, ['a', 'b'], {})).toEqual({ positional: ['a', 'b'] });
  expect(readArguments('test:lavapipe', spec, [], {})).toEqual({ positional: [] });
});

test('numbers must be whole and in range', () => {
  expect(readInteger('port', '8080', 1, 65535)).toBe(8080);
  for (const text of ['0', '65536', '1.5', '-1', 'x', '']) {
    expect(refusal(() => readInteger('port', text, 1, 65535))).toContain(`--port ${text}`);
  }
});
