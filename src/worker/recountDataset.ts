// A stored dataset's token counts anew, for another recipe or model. Imports nothing and reads no picture twice.

import type { ModelChoice } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import { loadDataset, replaceCounts } from '../storage/datasets';
import { countRows, type ReportStep } from './countRows';
import { COUNT_PROBLEMS } from './datasetTokens';
import type { ImportOutcome } from './importDataset';
import { pictureSizes } from './pictureSizes';

interface RecountJob {
  recipe: Recipe;
  model: ModelChoice | null;
  signal: AbortSignal;
  datasetId: string;
}

/** Problems that a count of tokens has found. */
const OF_COUNTS = new Set<string>(COUNT_PROBLEMS);

/**
 * Counts a stored dataset's tokens again, for another recipe or model, and keeps the counts; reads no picture whose size
 * is noted. @throws storage.*, the signal's reason
 */
export async function recountDataset(job: RecountJob, report: ReportStep): Promise<ImportOutcome> {
  const stored = await loadDataset(job.datasetId);
  const { name, problems } = stored.info;
  const { rows, counts } = await countRows({ ...job, name }, stored.rows, await pictureSizes(stored), report);
  const rest = problems.filter(({ code }) => !OF_COUNTS.has(code));
  const info = { ...stored.info, ...counts, problems: [...rest, ...counts.problems] };
  await replaceCounts(info, rows);
  return { ok: true, info, added: false };
}
