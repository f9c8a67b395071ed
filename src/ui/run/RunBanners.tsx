// Errors and warnings of a run, where they are seen and read aloud.

import { Icon } from '../parts/Icon';
import { goTo } from '../store/settings';
import type { RunView } from '../store/runView';

const SHOWN = 3;

/** The run's error, if any, and its last few warnings. */
export function RunBanners({ view }: { view: RunView }): React.JSX.Element {
  const warnings = view.notices.filter((notice) => notice.level === 'warning').slice(-SHOWN);
  const info = view.notices.filter((notice) => notice.level === 'info').slice(-1);
  return (
    <>
      {view.error && (
        <div className="banner bad" role="alert" data-code={view.error.code}>
          <span className="badText">
            <Icon name="warning" size={16} />
          </span>
          <div>
            <p className="label">{view.error.message}</p>
            {view.error.hint && <p>{view.error.hint}</p>}
          </div>
          <button type="button" className="button compact" onClick={() => goTo('setup')}>
            Back to Setup
          </button>
        </div>
      )}
      <div aria-live="polite">
        {[...warnings, ...info].map((notice) => (
          <div
            key={notice.seq}
            className={notice.level === 'warning' ? 'banner warn' : 'banner'}
            data-code={notice.code}
          >
            <span className={notice.level === 'warning' ? 'warmText' : 'soft'}>
              <Icon name={notice.level === 'warning' ? 'warning' : 'check'} size={16} />
            </span>
            <div>
              <p>{notice.message}</p>
            </div>
          </div>
        ))}
      </div>
    </>
  );
}
