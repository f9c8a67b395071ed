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
  const owed: boolean[] = [];
  for (let i = 0; i < 6; i++) {
    await keeper.tryCommit({ goesOn: true });
    owed.push(keeper.owes());
  }
  expect(owed).toEqual([false, true, true, false, false, true]);
  expect(notices.map(({ level, code }) => `${level} ${code}`)).toEqual([
    'warning checkpoint.notWritten',
    'info checkpoint.written',
    'warning checkpoint.notWritten',
  ]);
  expect(notices[0]!.message).toContain('SFT step 2 could not be written: The disk is full. Delete old runs.');
  expect(notices[0]!.message).toContain('tries again after its next step');
  expect(notices[1]!.message).toContain('SFT step 4 is kept');
});

test('where nothing may go on without a checkpoint the failure is thrown', async () => {
  const { keeper, notices } = over([full, null]);
  await expect(keeper.commit()).rejects.toBe(full);
  expect(notices).toEqual([]);
});

test('where the run ends nothing is promised: a resume goes back to the checkpoint before', async () => {
  const { keeper, notices } = over([full]);
  await keeper.tryCommit({ goesOn: false });
  expect(notices[0]!.message).toContain('A resume goes back to the checkpoint before');
  expect(notices[0]!.message).not.toContain('tries again');
});

test.each(['storage.quota', 'storage.failed', 'storage.blocked', 'storage.newer', 'checkpoint.verify'])(
  '%s is a failure of writing: the run goes on and owes the checkpoint',
  async (code) => {
    const { keeper } = over([new LorikeetError(code, 'no'), null]);
    await keeper.tryCommit({ goesOn: true });
    expect(keeper.owes()).toBe(true);
    await keeper.tryCommit({ goesOn: true });
    expect(keeper.owes()).toBe(false);
  },
);

test.each(['gpu.lost', 'checkpoint.notFinite', 'storage.missing'])(
  '%s is not the disk: it ends the run',
  async (code) => {
    const error = new LorikeetError(code, 'no');
    await expect(over([error]).keeper.tryCommit({ goesOn: true })).rejects.toBe(error);
  },
);
