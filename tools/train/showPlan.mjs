// `npm run train -- --plan`: what the run would take, and how long; nothing started but a dry run of one step.

import { MEASURED_NAMES } from '../../src/base/planWords.mjs';
import { changesTable, planTable, secondsTable, workTable } from './planTable.mjs';
import { wantedOf } from './setUp.mjs';

/** What a run that fits takes of time: a dry run says so. A signal ends it with everything else. */
async function showTime(session, display, wanted) {
  display.line('\nMeasuring one step of each kind; nothing of it is kept. Ctrl-C ends it.');
  session.messages.on('measuring', ({ part, done, total }) => {
    const share = part === 'load' ? ` ${Math.round((100 * done) / total)}%` : '';
    display.live(`  ${MEASURED_NAMES[part]}${share}`);
  });
  session.messages.on('measureNotice', ({ notice }) => display.line(`  ${notice.message}`));
  const { plan } = await session.until(session.call('measure', wanted));
  display.line(`\n${secondsTable(plan.seconds)}`);
}

/**
 * Asks the page, which is set up, for the run's plan and prints it; where the run fits, makes a dry run and prints the time.
 * @param {object} session of openSession @param {object} display of createDisplay @param {import('./plan.mjs').Plan} plan
 * @returns {Promise<number>} exit code: 1 when it does not fit
 */
export async function showPlan(session, display, plan) {
  const wanted = wantedOf(plan);
  const found = await session.until(session.call('plan', wanted));
  display.line(`\n${planTable(found)}\n\n${workTable(found.plan)}`);
  if (found.changes.length > 0) display.line(`\n${changesTable(found.changes)}`);
  if (!found.plan.fits) return 1;
  await showTime(session, display, wanted);
  return 0;
}
