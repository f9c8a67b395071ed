// The choice of GPU memory: what a run may take is decided from it.

import { GPU_MEMORY_CHOICES } from '../../budgets/gpuMemory';
import { setGpuMemory, useGpuMemory } from '../store/gpuMemory';

/** A list of figures, each with cards that have so much. */
export function GpuMemoryField(): React.JSX.Element {
  const chosen = useGpuMemory();
  const known = GPU_MEMORY_CHOICES.some(({ gigabytes }) => gigabytes === chosen);
  const other = known ? [] : [{ gigabytes: chosen, cards: 'as given' }];
  return (
    <label className="field" htmlFor="gpuMemory">
      <span className="name">GPU memory</span>
      <select
        id="gpuMemory"
        value={chosen}
        aria-describedby="gpuMemoryHelp"
        onChange={(event) => setGpuMemory(Number(event.currentTarget.value))}
      >
        {[...other, ...GPU_MEMORY_CHOICES].map(({ gigabytes, cards }) => (
          <option key={gigabytes} value={gigabytes}>
            {gigabytes} GB ({cards})
          </option>
        ))}
      </select>
      <span className="note" id="gpuMemoryHelp">
        Browsers do not tell. How the model is stored and how much is computed at once follow from it; a run keeps what
        it began with.
      </span>
    </label>
  );
}
