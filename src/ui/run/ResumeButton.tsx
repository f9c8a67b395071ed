// Goes on with a stored run. Where its model was a picked folder, the button picks that folder first; a folder that this
// browser remembers is opened by the press.

import type { Recipe } from '../../recipe/config';
import { continueRun, folderModelOf, needsModelFolder, noModelText } from '../actions';
import { chooseListed } from '../hubActions';
import { Icon } from '../parts/Icon';
import type { StoredModelView } from '../../base/hubModel';
import type { RunRecord } from '../../storage/runs';
import { useHub } from '../store/hub';
import { pickModelFolder, useSettings } from '../store/settings';

export interface ResumeButtonProps {
  record: RunRecord;
  /** A copy of the run's recipe with other user rewards. */
  mended?: Recipe;
  className?: string;
  disabled?: boolean;
  /** `Resume` where nothing else is said. */
  label?: string;
  /** Takes the promise of having begun; it rejects when the run cannot go on. */
  attempt(work: Promise<void>): void;
}

/** Resume, by one press. */
export function ResumeButton(props: ResumeButtonProps): React.JSX.Element {
  const { record, mended, className = 'button', disabled = false, label = 'Resume', attempt } = props;
  // Read for their changes: a folder may be picked meanwhile, a model fetched or deleted.
  useSettings((settings) => settings.picked);
  useHub((hub) => hub.models);
  const lacks = !disabled && needsModelFolder(record);
  const known = lacks ? folderModelOf(record) : null;
  const resume = (): void => attempt(continueRun(record, mended));
  const openAndResume = (model: StoredModelView): void =>
    attempt(chooseListed(model).then(() => continueRun(record, mended)));
  if (lacks && !known) {
    return (
      <label className={className} title={noModelText(record).message}>
        <Icon name="play" /> Pick its model’s folder and resume
        <input
          className="visuallyHidden"
          type="file"
          multiple
          {...{ webkitdirectory: '' }}
          onChange={(event) => {
            pickModelFolder(event.currentTarget);
            resume();
          }}
        />
      </label>
    );
  }
  return (
    <button
      type="button"
      className={`${className} resumeRun`}
      disabled={disabled}
      title={known ? noModelText(record).message : undefined}
      onClick={() => (known ? openAndResume(known) : resume())}
    >
      <Icon name="play" /> {known ? 'Open its model’s folder and resume' : label}
    </button>
  );
}
