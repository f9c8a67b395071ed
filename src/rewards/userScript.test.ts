import { describe, expect, it } from 'vitest';
import type { RewardBatch } from './reward';
import { runScript } from './userScript';

const batch: RewardBatch = {
  completions: ['<answer>red</answer>', 'blue', ''],
  answers: ['red', 'blue', 'green'],
  questions: ['q0', 'q1', 'q2'],
  thoughts: ['t0', 't1', 't2'],
  lengths: [5, 1, 0],
  maxCompletionLength: 40,
};

const run = (javascript: string) => runScript('mine', javascript, batch);

/** What went wrong; fails the test when nothing did. */
async function failure(javascript: string) {
  const outcome = await run(javascript);
  if (!('failure' in outcome)) throw new Error(`expected a failure, got ${JSON.stringify(outcome)}`);
  return outcome.failure;
}

describe('a script that scores', () => {
  it('gets the batch, as declaration, constant or async function', async () => {
    const scores = [5 / 40, 1 / 40, 0];
    const body = '{ return b.lengths.map((n) => n / b.maxCompletionLength); }';
    for (const text of [
      `function score(b) ${body}`,
      `const score = (b) => ${body};`,
      `async function score(b) ${body}`,
    ]) {
      expect(await run(text), text).toEqual({ scores });
    }
  });

  it('gets each completion with its row and index when it defines scoreRow', async () => {
    const text = `const KEYS = 'answer completion length maxCompletionLength question thought';
      async function scoreRow(row, index) {
        if (Object.keys(row).sort().join(' ') !== KEYS) return -1;
        return row.question === 'q' + index && row.completion.includes(row.answer) ? row.length : null;
      }`;
    expect(await run(text)).toEqual({ scores: [5, 1, null] });
  });

  it('may give NaN and null where it does not apply, and a typed array', async () => {
    expect(await run('function score() { return [NaN, null, -0.5]; }')).toEqual({ scores: [null, null, -0.5] });
    expect(await run('function score() { return new Float32Array([1, NaN, 0.5]); }')).toEqual({
      scores: [1, null, 0.5],
    });
  });

  it('starts afresh with each call, so that a resumed run gives the same scores', async () => {
    const text = 'let calls = 0; function score(b) { calls++; return b.answers.map(() => calls); }';
    await run(text);
    expect(await run(text)).toEqual({ scores: [1, 1, 1] });
  });
});

describe('a script that fails', () => {
  it('is named with kind, line and message of what it threw', async () => {
    const text = 'function score(batch) {\n  const x = null;\n  return x.length;\n}';
    expect(await failure(text)).toMatchObject({
      code: 'reward.threw',
      line: 3,
      message: expect.stringMatching(
        /^Reward "mine" threw TypeError in line 3: Cannot read properties of null/,
      ) as string,
    });
    expect(await failure('const a = 1;\nnope();')).toMatchObject({ code: 'reward.threw', line: 2 });
    expect(await failure('\nJSON.parse("{");')).toMatchObject({ code: 'reward.threw', line: 2 });
  });

  it('is named with the row: the one that scoreRow got, or the index of the error', async () => {
    const byRow = await failure(
      'function scoreRow(row, i) {\n  if (i === 1) throw new RangeError("no");\n  return 1;\n}',
    );
    expect(byRow).toMatchObject({ code: 'reward.threw', index: 1, line: 2 });
    expect(byRow.message).toBe('Reward "mine" threw RangeError in line 2 on completion 2 of 3: no');
    const said = await failure('function score() { throw Object.assign(new Error("no"), { index: 2 }); }');
    expect(said).toMatchObject({ code: 'reward.threw', index: 2 });
    const beyond = await failure('function score() { throw Object.assign(new Error("no"), { index: 3 }); }');
    expect(beyond.index).toBeUndefined();
  });

  it('is named even when what it threw is no error, is long, or cannot be read', async () => {
    expect((await failure('function score() { throw "no"; }')).message).toBe('Reward "mine" threw a value: "no"');
    expect((await failure('function score() { throw undefined; }')).message).toContain('undefined');
    expect((await failure('function score() { throw new Error("x".repeat(1e6)); }')).message.length).toBeLessThan(300);
    const hostile = 'function score() { throw new Proxy({}, { get() { throw 1; } }); }';
    expect(await failure(hostile)).toMatchObject({ code: 'reward.threw' });
  });

  it('is refused before it runs when it is not JavaScript, also when it would close the wrapper', async () => {
    expect(await failure('function score( {')).toMatchObject({ code: 'reward.syntax' });
    expect(await failure('}); (function () {')).toMatchObject({ code: 'reward.syntax' });
    expect(await failure('import x from "y";')).toMatchObject({ code: 'reward.syntax' });
  });

  it('is told what to define when it defines no function of these names', async () => {
    for (const text of ['', 'const score = 3;', 'function reward() {}', 'return {};']) {
      expect(await failure(text), text).toMatchObject({ code: 'reward.missing' });
    }
    expect(await failure('return null;')).toMatchObject({ code: 'reward.threw' });
  });

  it('is named with both counts when it returns too few or too many scores', async () => {
    const text = 'function score(batch) { return batch.answers.slice(1).map(() => 1); }';
    expect(await failure(text)).toMatchObject({
      code: 'reward.count',
      message: 'Reward "mine" returned 2 scores for 3 completions.',
    });
  });

  it.each([
    ['Infinity', 'Infinity'],
    ['-Infinity', '-Infinity'],
    ['"1"', '"1"'],
    ['undefined', 'undefined'],
    ['true', 'true'],
    ['[1]', 'an array'],
    ['{ valueOf: () => 1 }', 'an object'],
    ['1n', '1'],
    ['() => 1', 'a function'],
  ])('is named with the completion for which it returned %s', async (value, shown) => {
    expect(await failure(`function score() { return [1, 2, ${value}]; }`)).toMatchObject({
      code: 'reward.value',
      index: 2,
      message: `Reward "mine" returned ${shown} for completion 3 of 3; expected a finite number or null.`,
    });
  });

  it('is named when it returns no array, or a hole in one', async () => {
    expect((await failure('function score() {}')).message).toContain('score returned undefined');
    expect(await failure('function score() { return [1, , 1]; }')).toMatchObject({ code: 'reward.value', index: 1 });
  });
});
