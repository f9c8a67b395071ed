// The Setup place: four cards and the panel that starts.

import { InterruptedBanner } from '../history/InterruptedBanner';
import { ShownLoading } from '../parts/Thumb';
import { useDevice } from '../store/device';
import { useSettings } from '../store/settings';
import { CheckCard } from './CheckCard';
import { DataCard } from './DataCard';
import { ExpectPanel } from './ExpectPanel';
import { GuardBanner } from './GuardBanner';
import { ModelCard } from './ModelCard';
import { RecipeCard } from './RecipeCard';
import { StartPanel } from './StartPanel';

/** Everything that is chosen before a run. */
export function SetupPlace(): React.JSX.Element {
  const kept = useDevice(({ guard }) => guard?.keepsInside === true);
  const loading = useSettings(({ recipe }) => recipe.image_loading);
  return (
    <ShownLoading value={loading}>
      <main className="page setupPage">
        <div className="setupMain">
          <InterruptedBanner />
          <h1 className="title">Fine-tune Qwen2.5-VL in this tab</h1>
          <p className="lead">
            Supervised fine-tuning, then GRPO, on your own GPU.{' '}
            {kept && 'Model, pictures and results stay on this machine.'}
          </p>
          <GuardBanner />
          <ModelCard />
          <DataCard />
          <RecipeCard />
          <CheckCard />
        </div>
        <aside className="setupSide">
          <StartPanel />
          <ExpectPanel />
        </aside>
      </main>
    </ShownLoading>
  );
}
