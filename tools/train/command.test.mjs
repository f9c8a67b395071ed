import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { resumeCommand, shownPath } from './command.mjs';

const HERE = resolve('somewhere');
let calledFrom;
beforeEach(() => {
  calledFrom = process.env.INIT_CWD;
  process.env.INIT_CWD = HERE;
});
afterEach(() => {
  if (calledFrom === undefined) delete process.env.INIT_CWD;
  else process.env.INIT_CWD = calledFrom;
});

test('a folder below the one npm was called from is shown from there, any other in full', () => {
  expect(shownPath(join(HERE, 'runs', 'a'))).toBe(join('runs', 'a'));
  expect(shownPath(HERE)).toBe('.');
  expect(shownPath(resolve('elsewhere'))).toBe(resolve('elsewhere'));
});

test.skipIf(process.platform === 'win32')('a path that a shell would take apart is quoted', () => {
  expect(resumeCommand(join(HERE, 'runs/2026-01-02T03-04-05'))).toBe(
    'npm run train -- --resume runs/2026-01-02T03-04-05',
  );
  expect(resumeCommand(join(HERE, 'my runs'))).toBe("npm run train -- --resume 'my runs'");
  expect(resumeCommand(join(HERE, "it's"))).toBe("npm run train -- --resume 'it'\\''s'");
});
