import { expect, test } from 'vitest';
import { LorikeetError } from '../base/errors';
import type { VerifyMessage } from './messages';
import { formatMessage } from './report';
import { runVerification } from './run';
import type { ReferenceFolder, Verifier } from '../reference/types';

function folderOf(...ids: string[]): ReferenceFolder {
  const absent = (): Promise<never> => Promise.reject(new Error('not read here'));
  const cases = ids.map((id) => ({ id, kind: id.split('/')[0]!, path: id, files: [] }));
  return { cases, json: absent, bytes: absent, tensors: absent, exists: absent };
}

async function linesOf(ids: string[], verifiers: Record<string, Verifier>, only = ''): Promise<string[]> {
  const messages: VerifyMessage[] = [];
  await runVerification({
    folder: folderOf(...ids),
    verifiers: new Map(Object.entries(verifiers)),
    device: () => Promise.reject(new Error('no device here')),
    only,
    emit: (message) => messages.push(message),
  });
  return messages.map(formatMessage);
}

const passes: Verifier = async ({ report }) =>
  report({ name: 'logits', pass: true, worst: 1.2e-6, limit: 3e-5, at: '[3, 17]' });

test('a check is one line with the worst error, its place and its limit', async () => {
  expect(await linesOf(['model/a'], { model: passes })).toEqual([
    'ok    model/a  logits  worst 1.2e-6 at [3, 17] (limit 3.0e-5)',
    '1 passed, 0 failed',
  ]);
});

test('a kind without a verifier and a part left out are listed as not covered and count as neither', async () => {
  const partly: Verifier = async ({ uncovered }) => uncovered('loss type vespo');
  expect(await linesOf(['nf4', 'grpo/a'], { grpo: partly })).toEqual([
    'not covered: nf4',
    'not covered: grpo/a  loss type vespo',
    '0 passed, 0 failed',
  ]);
});

test('a verifier that throws is one failure and the next case still runs', async () => {
  const throws: Verifier = async () => {
    throw new LorikeetError('safetensors.size', 'a.safetensors: cut at byte 12', 'Copy it again.');
  };
  expect(await linesOf(['lora/a', 'model/a'], { lora: throws, model: passes })).toEqual([
    'FAIL  lora/a  runs to its end  safetensors.size: a.safetensors: cut at byte 12 Copy it again.',
    'ok    model/a  logits  worst 1.2e-6 at [3, 17] (limit 3.0e-5)',
    '1 passed, 1 failed',
  ]);
});

test('a case in which nothing was checked fails', async () => {
  expect((await linesOf(['model/a'], { model: async () => {} })).at(-1)).toBe('0 passed, 1 failed');
});

test('cases can be picked by a part of their id', async () => {
  expect(await linesOf(['model/a', 'model/b'], { model: passes }, '/b')).toHaveLength(2);
});
