// The time that a dry run predicts for the demo, against what the demo then takes on the same machine: predicted, run, and
// predicted again, since a machine with other work is no steady clock. On request alone (LORIKEET_TIMES=1): a time tells
// something where nothing else runs.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunPlan, RunSummary } from '../src/protocol/messages';
import type { HostMessage, LorikeetApi } from '../src/ui/automation';
import { openApp, type App } from './openApp';

const WANTED = { model: 'bundled', data: 'bundled', adapter: false } as const;
/** What a prediction may be beside the time that the run takes. */
const TOLERANCE = 0.3;

let app: App;

/** What the page tells its host. */
const told: HostMessage[] = [];
let onTold = (): void => undefined;

async function heard(wanted: (message: HostMessage) => boolean): Promise<HostMessage> {
  for (;;) {
    const found = told.find(wanted);
    if (found) return found;
    await new Promise<void>((resolve) => (onTold = resolve));
  }
}

function measure(): Promise<RunPlan> {
  return app.page.evaluate(
    (wanted) => (window as unknown as { lorikeet: LorikeetApi }).lorikeet.measure(wanted),
    WANTED,
  );
}

async function train(): Promise<RunSummary> {
  await app.page.evaluate((wanted) => (window as unknown as { lorikeet: LorikeetApi }).lorikeet.start(wanted), WANTED);
  const end = await heard((message) => message.type === 'event' && message.event.type === 'finished');
  if (end.type !== 'event' || end.event.type !== 'finished') throw new Error('the run did not finish');
  return end.event.summary;
}

/** Predicted seconds, whole and by phase. */
function predictedText({ plan: { seconds } }: RunPlan): string {
  if (!seconds) return 'none';
  const phases = seconds.phases.map(({ phase, seconds: own }) => `${phase} ${own.toFixed(1)}`);
  return `${seconds.total.toFixed(1)} s (begin ${seconds.begin.toFixed(1)}, ${phases.join(', ')})`;
}

describe.runIf(process.env['LORIKEET_TIMES'])('the demo', () => {
  beforeAll(async () => {
    app = await openApp();
    app.page.context().setDefaultTimeout(0);
    await app.page.exposeBinding('lorikeetHost', (_, message: HostMessage) => {
      told.push(message);
      onTold();
    });
    await app.page.goto(`${app.origin}/`);
    await heard((message) => message.type === 'ready');
  });

  afterAll(async () => {
    await app.close();
  });

  it('takes what was predicted, within 30%', async () => {
    const before = await measure();
    const { seconds } = await train();
    await app.page.locator('.resultHead h1').waitFor();
    const after = await measure();
    const real = seconds['total']!;
    const parts = Object.entries(seconds).map(([name, own]) => `${name} ${own.toFixed(1)}`);
    console.log(
      `predicted before: ${predictedText(before)}\npredicted after: ${predictedText(after)}\nreal: ${parts.join(', ')}`,
    );
    const predicted = (before.plan.seconds!.total + after.plan.seconds!.total) / 2;
    expect(Math.abs(predicted / real - 1), `${predicted} s predicted, ${real} s real`).toBeLessThanOrEqual(TOLERANCE);
  });
});
