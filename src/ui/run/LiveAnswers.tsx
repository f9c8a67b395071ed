// The answers of an evaluation as they come in, newest first: something to see before the first GRPO step.

import type { EvaluationSample } from '../../protocol/messages';
import { CompletionText } from '../parts/CompletionText';
import { Thumb } from '../parts/Thumb';
import type { RunView } from '../store/runView';
import { GroupsLegend } from './Groups';
import { STAGE_NAMES } from './words';

const SHOWN = 8;

/** Live answers; before the first one, where they will be. */
export function LiveAnswers({ view }: { view: RunView }): React.JSX.Element {
  const shown = view.live.slice(0, SHOWN);
  const inForm = view.live.filter(({ sample }) => sample.inForm).length;
  const stage = view.live[0]?.stage ?? 'before';
  return (
    <section aria-label="Answers">
      <div className="sectionHead">
        <h2 className="heading">Answers</h2>
        <p className="soft wide">
          {shown.length === 0
            ? 'validation questions, answered by the model as it is'
            : `${STAGE_NAMES[stage]}: the newest of the validation, ${inForm} of the last ${view.live.length} in form`}
        </p>
        <GroupsLegend rewards={[]} />
      </div>
      <div className="card">
        {shown.length === 0 ? (
          <p className="emptyNote">
            The first answers appear here when the model has been loaded. Groups follow with GRPO.
          </p>
        ) : (
          <ul className="answers">
            {shown.map(({ seq, sample }) => (
              <Answer key={seq} sample={sample} />
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

function Answer({ sample }: { sample: EvaluationSample }): React.JSX.Element {
  const [tone, word] = sample.inForm
    ? sample.right
      ? ['good', 'in form, right']
      : ['', 'in form, wrong']
    : ['warm', 'not in form'];
  return (
    <li className="answerCard">
      <Thumb hash={sample.image} alt="" size={64} />
      <div>
        <h3 className="label">{sample.question}</h3>
        <p className="rightAnswer">
          right answer <strong>{sample.answer}</strong> <span className={`chip ${tone}`}>{word}</span>
        </p>
        <CompletionText text={sample.text} />
      </div>
    </li>
  );
}
