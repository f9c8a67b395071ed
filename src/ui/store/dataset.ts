// The dataset in use, and the import that may be under way. Imports themselves run in the data worker.

import { create } from 'zustand';
import { toErrorRecord, type ErrorRecord } from '../../base/errors';
import type { DataMessage, DatasetInfo, ImportProblem } from '../../protocol/messages';
import { listDatasets, loadDataset, type DatasetRow } from '../../storage/datasets';
import { load, save } from './persist';

export interface ImportView {
  id: number;
  /** What was dropped, for the card's line. */
  label: string;
  bundled: boolean;
  progress: Extract<DataMessage, { type: 'progress' }> | null;
  /** It has succeeded and its rows are being read back: too late to cancel. */
  stored: boolean;
}

export interface DatasetView {
  info: DatasetInfo | null;
  rows: DatasetRow[];
  /** True for the dataset that comes with the page. */
  bundled: boolean;
  importing: ImportView | null;
  /** Of the last import that ended, if it brought nothing usable; until it is dismissed no other data is used. */
  failure: { error: ErrorRecord; problems: ImportProblem[] } | null;
  /** The user has read the problems and goes on without those rows. */
  accepted: boolean;
}

export const useDataset = create<DatasetView>(() => ({
  info: null,
  rows: [],
  bundled: false,
  importing: null,
  failure: null,
  accepted: false,
}));

let importCount = 0;

/** Notes a new import, which supersedes any earlier one, and returns its id. */
export function beginImport(label: string, bundled: boolean): number {
  importCount += 1;
  // An earlier failure counts again when this import is cancelled.
  useDataset.setState({ importing: { id: importCount, label, bundled, progress: null, stored: false } });
  return importCount;
}

/** Forgets the import under way, whose answer will be ignored. @returns its id; null when there is none to cancel */
export function dropImport(): number | null {
  const { importing } = useDataset.getState();
  if (importing === null || importing.stored) return null;
  useDataset.setState({ importing: null });
  return importing.id;
}

/** The worker is gone: the import under way will not end. @returns whether there was one, not stored yet */
export function failImport(error: ErrorRecord): boolean {
  const { importing } = useDataset.getState();
  if (importing === null || importing.stored) return false;
  useDataset.setState({ importing: null, failure: { error, problems: [] } });
  return true;
}

/** The user has read why the last import failed: the earlier data, if there is any, is in use again. */
export function dismissFailure(): void {
  useDataset.setState({ failure: null });
}

/**
 * Applies a data worker's message. Answers of superseded imports are ignored.
 * Returns how the current import ended if the message ended it, else null. One whose rows cannot be read back has failed.
 */
export async function applyDataMessage(message: DataMessage): Promise<DataMessage | null> {
  const { importing } = useDataset.getState();
  if (importing === null || message.id !== importing.id) return null;
  switch (message.type) {
    case 'progress':
      useDataset.setState({ importing: { ...importing, progress: message } });
      return null;
    case 'failed':
      useDataset.setState({ importing: null, failure: { error: message.error, problems: message.problems } });
      return message;
    case 'imported':
      return openImported(message, importing);
    default:
      return null;
  }
}

async function openImported(
  message: Extract<DataMessage, { type: 'imported' }>,
  importing: ImportView,
): Promise<DataMessage | null> {
  useDataset.setState({ importing: { ...importing, stored: true } });
  // Another import may have begun meanwhile.
  const isCurrent = (): boolean => useDataset.getState().importing?.id === importing.id;
  try {
    const found = await loadDataset(message.info.id);
    if (!isCurrent()) return null;
    showDataset(found, importing.bundled);
    useDataset.setState({ importing: null });
    return message;
  } catch (error) {
    if (!isCurrent()) return null;
    const failure = { error: toErrorRecord(error), problems: [] };
    useDataset.setState({ importing: null, failure });
    return { type: 'failed', id: message.id, ...failure };
  }
}

/** Loads a stored dataset and makes it the one in use. */
export async function openDataset(id: string, bundled: boolean): Promise<void> {
  showDataset(await loadDataset(id), bundled);
}

function showDataset({ info, rows }: { info: DatasetInfo; rows: DatasetRow[] }, bundled: boolean): void {
  useDataset.setState({ info, rows, bundled, failure: null, accepted: false });
  save('dataset', { id: info.id, bundled });
}

/** Opens the dataset used last, if it is still stored; true if there was one. */
export async function reopenDataset(): Promise<boolean> {
  const last = load('dataset', (value) => value as { id: string; bundled: boolean });
  const stored = await listDatasets();
  const found = stored.find((info) => info.id === last?.id);
  if (!found) return false;
  await openDataset(found.id, last?.bundled ?? false);
  return true;
}

/** Problems that cost rows (errors) and those that do not (warnings). */
export function splitProblems(problems: readonly ImportProblem[]): {
  errors: ImportProblem[];
  warnings: ImportProblem[];
} {
  return {
    errors: problems.filter((problem) => problem.level === 'error'),
    warnings: problems.filter((problem) => problem.level === 'warning'),
  };
}
