// `npm run train -- --plan`: what the run would take, and nothing started.

import { changesTable, planTable, workTable } from './planTable.mjs';
import { wantedOf } from './setUp.mjs';

/**
 * Asks the page, which is set up, for the run's plan and prints it.
 * @param {object} session of openSession @param {object} display of createDisplay @param {import('./plan.mjs').Plan} plan
 * @returns {Promise<number>} exit code: 1 when it does not fit
 */
export async function showPlan(session, display, plan) {
  const found = await session.until(session.call('plan', wantedOf(plan)));
  display.line(`\n${planTable(found)}\n\n${workTable(found.plan)}`);
  if (found.changes.length > 0) display.line(`\n${changesTable(found.changes)}`);
  return found.plan.fits ? 0 : 1;
}
