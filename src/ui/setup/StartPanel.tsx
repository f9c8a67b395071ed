// The sticky panel beside the cards: one example with the wanted answer, and the button that starts.

import { useMemo } from 'react';
import type { DatasetRow } from '../../storage/datasets';
import { startRun } from '../actions';
import { duration } from '../format';
import { CompletionText } from '../parts/CompletionText';
import { Icon } from '../parts/Icon';
import { Thumb } from '../parts/Thumb';
import { useDataset } from '../store/dataset';
import { requestsText, useDevice } from '../store/device';
import { useHub } from '../store/hub';
import { lastDuration } from '../store/lastRun';
import { useModel } from '../store/model';
import { isBusy, useRun } from '../store/run';
import { goTo, useSettings } from '../store/settings';
import { startObstacle } from '../store/startObstacle';
import { useStorage } from '../store/storage';
import { useDemoFacts, type DemoFacts } from './demoFacts';
import { wantedText } from './previewBatch';

/** Example, start button, and what is known beforehand. */
export function StartPanel(): React.JSX.Element {
  const dataset = useDataset();
  const settings = useSettings();
  const busy = useRun((run) => isBusy(run.view));
  // What stands in the way of a start is also a matter of storage.
  useStorage();
  const traffic = useHub((hub) => hub.traffic);
  const requests = requestsText(useDevice(), traffic);
  const facts = useDemoFacts();
  const isDemo = settings.modelKind === 'bundled' && (dataset.bundled || !dataset.info);
  const example = useMemo(() => exampleOf(dataset.rows, isDemo ? facts : null), [dataset.rows, isDemo, facts]);
  useModel();
  const obstacle = startObstacle();
  const seconds = lastDuration(settings.recipe, dataset.info?.id ?? '');
  return (
    <section className="card startPanel" aria-label="Start">
      {example ? <Example {...example} template={settings.recipe.target_template} /> : <EmptyExample facts={facts} />}
      {busy ? (
        <button type="button" className="button primary" onClick={() => goTo('run')}>
          See the run
        </button>
      ) : (
        <button
          id="start"
          type="button"
          className="button primary"
          disabled={obstacle !== null}
          aria-describedby="startObstacle"
          onClick={startRun}
        >
          <Icon name="play" /> {isDemo ? 'Train the demo' : 'Start training'}
        </button>
      )}
      <p id="startObstacle" className="note obstacle" role="status">
        {busy ? '' : obstacle?.line}
      </p>
      <dl className="pairs">
        {seconds !== null && (
          <div>
            <dt>Last time on this machine</dt>
            <dd className="num">{duration(seconds)}</dd>
          </div>
        )}
        <div>
          <dt>Results</dt>
          <dd>adapter for PEFT</dd>
        </div>
        <div title={requests.title}>
          <dt>To other origins</dt>
          <dd className="num">{requests.text}</dd>
        </div>
      </dl>
    </section>
  );
}

interface ExampleView {
  row: DatasetRow;
  /** What the untrained model answers, where that was measured. */
  before: string | null;
}

function Example({ row, before, template }: ExampleView & { template: string }): React.JSX.Element {
  return (
    <>
      <div className="exampleHead">
        <Thumb hash={row.image} alt={row.imageName} size={128} />
        <div>
          <h2 className="heading">{row.question}</h2>
          {before !== null && (
            <>
              <p className="note">The model says now</p>
              <div className="quote">
                <CompletionText text={before} />
              </div>
            </>
          )}
        </div>
      </div>
      <p className="note">It should say</p>
      <div className="quote">
        <CompletionText text={wantedText(template, row)} />
      </div>
    </>
  );
}

/** Before there is data: an example of the demo, faintly. */
function EmptyExample({ facts }: { facts: DemoFacts | null }): React.JSX.Element {
  const line = facts?.greedy_before.find(isTelling);
  return (
    <div className="exampleHead faint">
      <span className="thumb" style={{ width: 128, height: 128 }}>
        {line && <img src={`demo/data/images/${line.image}`} alt="" />}
      </span>
      <div>
        <h2 className="heading">{line?.question ?? 'A question about a picture'}</h2>
        <p className="note">An example appears here once there is data.</p>
      </div>
    </div>
  );
}

/** Answered out of form, and about something that is in the picture. */
function isTelling(line: DemoFacts['greedy_before'][number]): boolean {
  return !line.text.includes('<answer>') && line.answer !== 'none';
}

/** A validation row; with the demo one that the untrained model answers out of form, with that answer. */
function exampleOf(rows: readonly DatasetRow[], facts: DemoFacts | null): ExampleView | null {
  const known = facts?.greedy_before.filter(isTelling) ?? [];
  for (const line of known) {
    const row = rows.find(
      ({ imageName, question }) => question === line.question && imageName.split('/').pop() === line.image,
    );
    if (row) return { row, before: line.text };
  }
  const row = rows.find(({ split }) => split === 'val') ?? rows[0];
  return row ? { row, before: null } : null;
}
