// The page: header and the place that is chosen; or, without WebGPU, what to do.

import { AppBanners } from './AppBanners';
import { Header } from './Header';
import { HistoryPlace } from './HistoryPlace';
import { useTrainingGuards } from './run/useTrainingGuards';
import { RunPlace } from './run/RunPlace';
import { SetupPlace } from './setup/SetupPlace';
import { useDevice } from './store/device';
import { useSettings } from './store/settings';
import { useThemeOnRoot } from './store/useTheme';
import { Unsupported } from './Unsupported';

/** The root component. */
export function App(): React.JSX.Element {
  useThemeOnRoot();
  useTrainingGuards();
  const place = useSettings((settings) => settings.place);
  const problem = useDevice((device) => device.problem);
  if (problem) return <Unsupported problem={problem} />;
  return (
    <>
      <Header />
      <AppBanners />
      {place === 'setup' && <SetupPlace />}
      {place === 'run' && <RunPlace />}
      {place === 'history' && <HistoryPlace />}
    </>
  );
}
