// The header of every place: name, places, the machine, what was sent, the theme switch.

import { Icon, Logo } from './parts/Icon';
import { useTheme } from './store/useTheme';
import { adapterName, requestsText, useDevice } from './store/device';
import { useHub } from './store/hub';
import { isBusy, useRun } from './store/run';
import { goTo, setTheme, useSettings, type Place } from './store/settings';

const NAMES: Record<Place, string> = { setup: 'Setup', run: 'Run', history: 'History' };

/** Header with navigation. */
export function Header(): React.JSX.Element {
  const place = useSettings((settings) => settings.place);
  const busy = useRun((run) => isBusy(run.view));
  const places: Place[] = ['setup', 'run', 'history'];
  return (
    <header className="header">
      <div className="headerRow">
        <div className="brand">
          <Logo /> Lorikeet
        </div>
        <nav className="places" aria-label="Places">
          {places.map((name) => (
            <button
              key={name}
              type="button"
              aria-current={name === place ? 'page' : undefined}
              onClick={() => goTo(name)}
            >
              {NAMES[name]}
              {name === 'run' && busy && (
                <>
                  <i className="liveDot" />
                  <span className="visuallyHidden">, under way</span>
                </>
              )}
            </button>
          ))}
        </nav>
        <MachineFacts />
      </div>
    </header>
  );
}

function MachineFacts(): React.JSX.Element {
  const adapter = useDevice((device) => device.adapter);
  const traffic = useHub((hub) => hub.traffic);
  const requests = requestsText(useDevice(), traffic);
  const theme = useTheme();
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <div className="facts num">
      {adapter && (
        <span className="wide" title={adapter.description}>
          {adapterName(adapter)}
        </span>
      )}
      <span title={requests.title}>
        <Icon name={requests.good ? 'lock' : 'warning'} size={13} />
        {requests.text}
      </span>
      <button
        type="button"
        className="iconButton"
        aria-label={`Use the ${other} theme`}
        onClick={() => setTheme(other)}
      >
        <Icon name="theme" size={15} />
      </button>
    </div>
  );
}
