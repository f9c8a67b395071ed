import { expect, test } from 'vitest';
import { LorikeetError } from '../base/errors';
import type { RunEventBody } from '../protocol/messages';
import { orNotice } from './orNotice';

test('what fails after training is a warning with its reason and what to do, and throws nothing', async () => {
  const events: RunEventBody[] = [];
  const reporter = { emit: (event: RunEventBody) => void events.push(event) };
  await orNotice(reporter, 'The check case', async () => undefined);
  expect(events).toEqual([]);
  await orNotice(reporter, 'The check case', async () => {
    throw new LorikeetError('storage.quota', 'the disk is full.', 'Delete old runs.');
  });
  expect(events).toEqual([
    {
      type: 'notice',
      level: 'warning',
      code: 'artifact.notStored',
      message:
        'The check case could not be saved: the disk is full. Delete old runs. Everything else of the run is there.',
    },
  ]);
});
