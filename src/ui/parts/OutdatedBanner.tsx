// Shown in every place of a tab that a newer version has overtaken: it can store nothing any more.

import { OUTDATED, useStorage } from '../store/storage';
import { Icon } from './Icon';

/** The sentence and the button that mends it; nothing while this tab is up to date. */
export function OutdatedBanner(): React.JSX.Element | null {
  if (!useStorage((storage) => storage.outdated)) return null;
  return (
    <div className="appBanner">
      <div className="banner warn" role="alert" data-code={OUTDATED.code}>
        <span className="warmText">
          <Icon name="warning" size={16} />
        </span>
        <div>
          <p className="label">{OUTDATED.message}</p>
          <p>{OUTDATED.hint}</p>
        </div>
        <button type="button" className="button compact" onClick={() => location.reload()}>
          Reload
        </button>
      </div>
    </div>
  );
}
