// Runs being packed into files by the data worker: who waits for which. Holds no bytes.

import { fromErrorRecord, type ErrorRecord } from '../../base/errors';
import type { DataMessage } from '../../protocol/messages';

interface Waiting {
  resolve(file: Blob): void;
  reject(error: Error): void;
}

const waiting = new Map<number, Waiting>();
let count = 0;

/** Notes a new question. @returns its id, and the file when it comes. Errors: those of exportRunFile */
export function beginExport(): { id: number; file: Promise<Blob> } {
  const id = ++count;
  const file = new Promise<Blob>((resolve, reject) => waiting.set(id, { resolve, reject }));
  return { id, file };
}

/** Takes the data worker's answer; true when the message was one. */
export function applyExport(message: DataMessage): boolean {
  if (message.type !== 'runFile' && message.type !== 'runFileFailed') return false;
  const asked = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.type === 'runFile') asked?.resolve(message.file);
  else asked?.reject(fromErrorRecord(message.error));
  return true;
}

/** The worker is gone: nothing that was asked for will come. @returns whether anything was */
export function failExports(error: ErrorRecord): boolean {
  const asked = [...waiting.values()];
  waiting.clear();
  for (const { reject } of asked) reject(fromErrorRecord(error));
  return asked.length > 0;
}
