// All runs of a TRL folder, one after the other on one device, each with our loops beside it.

import { importPeftAdapter } from '../../formats/peft';
import { createAdapter, loadValues, type LoraAdapter } from '../../model/lora';
import { checkAgainstBase } from '../../model/importedAdapter';
import type { DemoModel } from './demoModel';
import { loadDemoModel } from './demoModel';
import { runGrpo } from './grpoParity';
import type { ParityMessage, ParityRequest, ParityRun } from './messages';
import { recipeOfRun } from './recipeOfRun';
import { runSft } from './sftParity';
import { openTrlFolder, type TrlFolder } from './trlFolder';

/** The run's starting adapter on the device, through the program's own import. */
async function startAdapter(demo: DemoModel, files: Record<string, Uint8Array>): Promise<LoraAdapter> {
  const { shape, values } = checkAgainstBase(importPeftAdapter(files), demo.model.config);
  const adapter = createAdapter(demo.gpu, demo.model.config, shape);
  loadValues(demo.gpu, adapter, values);
  return adapter;
}

async function compareRun(demo: DemoModel, folder: TrlFolder, name: string): Promise<ParityRun> {
  const run = await folder.run(name);
  const recipe = recipeOfRun(run);
  const adapter = await startAdapter(demo, await folder.start(name));
  const { facts, watch } = await (run.stage === 'sft' ? runSft : runGrpo)(demo, run, recipe, adapter);
  const steps = await watch.finish(run, await folder.adapters(name, run.steps.length));
  return { name, stage: run.stage, about: run.about, facts, steps };
}

/** @throws whatever makes a run impossible; a mere difference is told, not thrown */
export async function runParity(request: ParityRequest, emit: (message: ParityMessage) => void): Promise<void> {
  const folder = await openTrlFolder(request.folder);
  const demo = await loadDemoModel(request.demo);
  for (const name of folder.names) emit({ type: 'run', run: await compareRun(demo, folder, name) });
  demo.gpu.device.destroy();
  emit({ type: 'done' });
}
