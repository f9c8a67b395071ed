// What the recipe's image_loading means for the data in use. The counts are the import's; the recipe may change later.

import type { DatasetInfo, ImportProblem } from '../../base/dataset';
import type { ImageLoading } from '../../base/imageLoading';
import { plural } from '../format';

/** An older version's import did not look; its thumbnails are upright whatever the model sees. */
const NOT_COUNTED = 'whether pictures are sideways or transparent was not counted: import the files again to see';

/** Pictures that the model sees other than they are meant, in one sentence; null when there are none. */
export function loadingProblem(info: DatasetInfo, loading: ImageLoading): ImportProblem | null {
  if (loading === 'library') return null;
  const message = faultsOf(info);
  return message === null ? null : { level: 'warning', code: 'image.loading', file: info.name, message };
}

function faultsOf({ turnedImages: turned, transparentImages: transparent }: DatasetInfo): string | null {
  if (turned === undefined || transparent === undefined) return NOT_COUNTED;
  if (turned + transparent === 0) return null;
  const faults = [
    turned > 0 && `${plural(turned, 'picture')} will lie sideways, upside down or mirrored (EXIF orientation)`,
    transparent > 0 && `${plural(transparent, 'picture')} will show hidden colours where transparent`,
  ].filter((fault) => fault !== false);
  return `${faults.join(', and ')}: image_loading is "recipe"; "library" turns upright and lays on white`;
}

/** The description of a dataset with what the recipe makes of its pictures among the problems. */
export function withLoadingProblem(info: DatasetInfo, loading: ImageLoading): DatasetInfo {
  const problem = loadingProblem(info, loading);
  return problem ? { ...info, problems: [...info.problems, problem] } : info;
}
