import { expect, test } from 'vitest';
import { LorikeetError } from '../base/errors';
import type { NoticeEvent } from '../protocol/messages';
import { createCheckpointKeeper } from './checkpointKeeper';

/** A keeper over a disk that fails as `errors` says, save by save. */
function over(errors: (Error | null)[]) {
  const notices: NoticeEvent[] = [];
  let saves = 0;
  const save = async (): Promise<void> => {
    const error = errors[saves++];
    if (error) throw error;
  };
  const place = () => `SFT step ${saves}`;
  return { keeper: createCheckpointKeeper(save, place, (notice) => notices.push(notice)), notices };
}

const full = new LorikeetError('storage.quota', 'The disk is full.', 'Delete old runs.');

test('a checkpoint that cannot be written is one warning, and one note when it works again', async () => {
  const { keeper, notices } = over([null, full, full, null, null, full]);
  const kept: boolean[] = [];
  for (let i = 0; i < 6; i++) kept.push(await keeper.tryCommit());
  expect(kept).toEqual([true, false, false, true, true, false]);
  expect(notices.map(({ level, code }) => `${level} ${code}`)).toEqual([
    'warning checkpoint.notWritten',
    'info checkpoint.written',
    'warning checkpoint.notWritten',
  ]);
  expect(notices[0]!.message).toContain('SFT step 2 could not be written: The disk is full. Delete old runs.');
  expect(notices[1]!.message).toContain('SFT step 4 is kept');
});

test('where nothing may go on without a checkpoint the failure is thrown', async () => {
  const { keeper, notices } = over([full, null]);
  await expect(keeper.commit()).rejects.toBe(full);
  expect(notices).toEqual([]);
});

test.each(['gpu.lost', 'checkpoint.notFinite', 'storage.missing'])(
  '%s is not the disk: it ends the run',
  async (code) => {
    const error = new LorikeetError(code, 'no');
    await expect(over([error]).keeper.tryCommit()).rejects.toBe(error);
  },
);
