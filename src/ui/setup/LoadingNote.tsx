// Says that the model sees pictures otherwise than they are meant, and offers the loading that mends it.

import type { DatasetInfo } from '../../base/dataset';
import { loadingProblem } from '../store/imageLoading';
import { setRecipe, useSettings } from '../store/settings';

/** Nothing where the recipe loads pictures as the libraries do, or all pictures are upright and opaque. */
export function LoadingNote({ info }: { info: DatasetInfo }): React.JSX.Element | null {
  const recipe = useSettings((settings) => settings.recipe);
  const problem = loadingProblem(info, recipe.image_loading);
  if (!problem) return null;
  return (
    <div className="problems" role="status">
      <p>
        <span className="chip">note</span> {problem.message}.
      </p>
      <button
        type="button"
        className="button compact"
        onClick={() => setRecipe({ ...recipe, image_loading: 'library' })}
      >
        Set image_loading to library
      </button>
    </div>
  );
}
