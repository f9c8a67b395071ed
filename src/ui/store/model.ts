// The chosen model's files, looked at: facts, or what is wrong with them. Reads anew whenever the choice changes.

import { create } from 'zustand';
import { toErrorRecord, type ErrorRecord } from '../../base/errors';
import type { ModelChoice } from '../../protocol/messages';
import { openStoredModel } from '../../storage/modelStore';
import { factsOfFiles, factsOfUrl, type ModelFacts } from './modelFacts';
import { modelSource, useSettings } from './settings';

export type ModelLook =
  | { kind: 'none' }
  | { kind: 'reading' }
  | { kind: 'known'; facts: ModelFacts }
  | { kind: 'problem'; error: ErrorRecord };

export const useModel = create<{ look: ModelLook }>(() => ({ look: { kind: 'none' } }));

/** Counts the looks, so that one that was overtaken says nothing. */
let latest = 0;

async function factsOf(choice: ModelChoice): Promise<ModelFacts> {
  switch (choice.kind) {
    case 'bundled':
      return factsOfUrl(choice.url);
    case 'files':
      return factsOfFiles(choice.files);
    case 'stored':
      return factsOfFiles(await openStoredModel(choice.key));
    default:
      return choice satisfies never;
  }
}

async function look(): Promise<void> {
  const turn = ++latest;
  const show = (next: ModelLook): void => {
    if (turn === latest) useModel.setState({ look: next });
  };
  const settings = useSettings.getState();
  const source = modelSource(settings);
  if (!source) {
    const error = settings.modelKind === 'files' ? settings.pickFault : null;
    show(error ? { kind: 'problem', error } : { kind: 'none' });
    return;
  }
  show({ kind: 'reading' });
  try {
    show({ kind: 'known', facts: await factsOf(source) });
  } catch (thrown) {
    show({ kind: 'problem', error: toErrorRecord(thrown) });
  }
}

/** Looks at the chosen model now and at every change of the choice. Returns what ends it. */
export function watchModel(): () => void {
  const stop = useSettings.subscribe((now, before) => {
    const same = now.modelKind === before.modelKind && now.picked === before.picked && now.stored === before.stored;
    if (!same || now.pickFault !== before.pickFault) void look();
  });
  void look();
  return stop;
}

/** Resolves once the chosen model has been looked at. */
export function modelRead(): Promise<void> {
  const busy = (): boolean => useModel.getState().look.kind === 'reading';
  return new Promise((resolve) => {
    if (!busy()) return resolve();
    const stop = useModel.subscribe(() => {
      if (busy()) return;
      stop();
      resolve();
    });
  });
}
