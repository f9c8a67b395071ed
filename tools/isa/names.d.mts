/** Types of names.mjs for tests in TypeScript. */
import type { RunPipeline } from '../../src/worker/testing/runPipelines';

export function named(pipelines: RunPipeline[]): (RunPipeline & { name: string })[];
