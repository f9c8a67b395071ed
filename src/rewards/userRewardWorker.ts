// The worker that runs a user's reward, for the page's preview and for the trainer. It starts only where the server gives
// its script the policy that keeps the text in it from every request.

import { deniesAllRequests, servedPolicy } from '../base/servedPolicy';
import { scriptUrl } from '../base/scriptUrl';
import type { ErrorRecord } from '../base/errors';
import userRewardUrl from './userReward.worker.ts?worker&url';

/** Said wherever a reward of the user's own is off. */
export const OWN_REWARDS_OFF =
  'Rewards of your own are off: this server does not send the header that keeps their code from the network.';

const REFUSAL: ErrorRecord = {
  code: 'reward.unguarded',
  message: OWN_REWARDS_OFF,
  hint: 'Open the page with npm start, or serve it with the headers of docs/hosting.md.',
};

/** Why no script may run here; null when one may. Asks the server, for half a minute at most. @throws server.noAnswer */
export async function userRewardRefusal(): Promise<ErrorRecord | null> {
  return deniesAllRequests(await servedPolicy(userRewardUrl)) ? null : REFUSAL;
}

/** How `openUserScript` gets its worker. */
export const userRewardWorker = {
  refusal: userRewardRefusal,
  spawn: (): Worker => new Worker(scriptUrl(userRewardUrl), { type: 'module', name: 'userReward' }),
};
