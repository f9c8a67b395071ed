// What keeps a run from starting. What a user named and cannot be used is an obstacle: no default takes its place.

import type { ErrorRecord } from '../../base/errors';
import { OWN_REWARDS_OFF } from '../../rewards/userRewardWorker';
import { recipeProblem } from '../recipe/readRecipe';
import { ownRewards } from '../recipe/userRewards';
import { useDataset } from './dataset';
import { useDevice } from './device';
import { useModel } from './model';
import { isBusy, useRun } from './run';
import { useSettings } from './settings';
import { useStorage } from './storage';

/** Why training cannot start now. */
export interface StartObstacle {
  /** One line beside the button; what is wrong with a card is said in the card. */
  line: string;
  /** The problem itself, for who does not see the cards. */
  error: ErrorRecord;
}

function notReady(line: string): StartObstacle {
  return { line, error: { code: 'page.notReady', message: line } };
}

/** What is wrong with the chosen model; null when it has been read and can be trained. */
export function modelObstacle(): StartObstacle | null {
  const { look } = useModel.getState();
  switch (look.kind) {
    case 'none':
      return notReady(
        useSettings.getState().modelKind === 'stored'
          ? 'Choose a model of the hub first.'
          : 'Choose the model’s folder first.',
      );
    case 'reading':
      return notReady('The model’s files are being read.');
    case 'problem':
      return { line: 'The model has a problem.', error: look.error };
    case 'known':
      return null;
    default:
      return look satisfies never;
  }
}

/** What is wrong with the adapter to start from; null when it is fresh or has been read. */
export function adapterObstacle(): StartObstacle | null {
  const { adapter } = useSettings.getState();
  switch (adapter.kind) {
    case 'fresh':
    case 'known':
      return null;
    case 'reading':
      return notReady('The adapter’s files are being read.');
    case 'problem':
      return { line: 'The adapter has a problem.', error: adapter.error };
    default:
      return adapter satisfies never;
  }
}

/** What is wrong with the data; null when there is some to train on, and it is what was chosen last. */
function dataObstacle(): StartObstacle | null {
  const { importing, failure, info } = useDataset.getState();
  if (importing) return notReady('The data is being checked.');
  if (failure) return { line: 'The data has a problem.', error: failure.error };
  if (!info) return notReady('Choose data first.');
  return info.trainRows === 0 ? notReady('No row to train on.') : null;
}

/** Why training cannot start now; null when it can. */
export function startObstacle(): StartObstacle | null {
  const storage = useStorage.getState();
  if (storage.outdated) return notReady('Reload this tab first.');
  if (storage.blocked) return notReady('Close other Lorikeet tabs first.');
  if (isBusy(useRun.getState().view)) return notReady('A run is under way.');
  const chosen = modelObstacle() ?? adapterObstacle() ?? dataObstacle();
  if (chosen) return chosen;
  const { recipe } = useSettings.getState();
  const problem = recipeProblem(recipe);
  if (problem) return { line: 'The recipe has a problem.', error: problem };
  const guarded = useDevice.getState().guard?.ownRewards !== false;
  return ownRewards(recipe).length === 0 || guarded ? null : notReady(OWN_REWARDS_OFF);
}
