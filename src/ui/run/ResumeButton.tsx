// Goes on with a stored run. Where its model was a picked folder, the button picks that folder first.

import type { Recipe } from '../../recipe/config';
import { continueRun, needsModelFolder, noModelText } from '../actions';
import { Icon } from '../parts/Icon';
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
  const resume = (): void => attempt(continueRun(record, mended));
  if (!disabled && needsModelFolder(record)) {
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
    <button type="button" className={`${className} resumeRun`} disabled={disabled} onClick={resume}>
      <Icon name="play" /> {label}
    </button>
  );
}
