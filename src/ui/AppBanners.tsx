// What is said above every place: that a newer version has overtaken this tab, and failures that belong to no place.

import type { ErrorRecord } from '../base/errors';
import { Icon } from './parts/Icon';
import { useFault } from './store/fault';
import { OUTDATED, useStorage } from './store/storage';

/** The banners that there are reasons for. */
export function AppBanners(): React.JSX.Element {
  const outdated = useStorage((storage) => storage.outdated);
  const fault = useFault(({ error }) => error);
  return (
    <>
      {outdated && <AppBanner tone="warn" error={OUTDATED} action="Reload" onAction={() => location.reload()} />}
      {fault && (
        <AppBanner tone="bad" error={fault} action="Dismiss" onAction={() => useFault.setState({ error: null })} />
      )}
    </>
  );
}

interface AppBannerProps {
  tone: 'warn' | 'bad';
  error: ErrorRecord;
  /** What the button says. */
  action: string;
  onAction(): void;
}

function AppBanner({ tone, error, action, onAction }: AppBannerProps): React.JSX.Element {
  return (
    <div className="appBanner">
      <div className={`banner ${tone}`} role="alert" data-code={error.code}>
        <span className={tone === 'warn' ? 'warmText' : 'badText'}>
          <Icon name="warning" size={16} />
        </span>
        <div>
          <p className="label">{error.message}</p>
          {error.hint && <p>{error.hint}</p>}
        </div>
        <button type="button" className="button compact" onClick={onAction}>
          {action}
        </button>
      </div>
    </div>
  );
}
