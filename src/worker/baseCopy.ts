// The base in 4 bits comes from its copy in this browser where one is kept; else from its files, and a copy is made on
// the way. Nothing of the copy can fail a run: what is damaged, or finds no room, is told, and the files are read.

import { blobBytes } from '../base/blobBytes';
import { sha256Hex } from '../base/bytes';
import { check, toErrorRecord } from '../base/errors';
import type { ModelCopy, SourceFile } from '../base/modelCopy';
import type { Gpu } from '../gpu/gpu';
import { pieceSizes, type BaseCopy, type CopyEntry } from '../model/baseCopy';
import type { StorageOptions } from '../model/baseStorage';
import { loaderFromCopy, loaderIntoCopy } from '../model/copiedLoader';
import type { MatrixLoader } from '../model/loadMatrix';
import { modelLayout } from '../model/qwen25vl';
import { shaderSources } from '../ops/shaderSources';
import type { NoticeEvent } from '../protocol/messages';
import { copyRecord, deleteCopy, openCopy, type CopyIdentity } from '../storage/modelCopies';
import { beginCopy, type CopyWriter } from '../storage/modelCopyFile';
import type { Reporter } from '../train/control';
import type { OpenModel } from './openModel';

export interface CopiedBase {
  /** Puts the copy between the model and its files; to be asked for at every load, of the model or of its tower. */
  through(files: MatrixLoader): MatrixLoader;
  /** Says that all of the model is loaded: what was written becomes a copy. @throws gpu.* */
  finish(): Promise<void>;
  /** Ends what is still being written; a copy that became one stays. */
  close(): Promise<void>;
}

export interface CopyOptions {
  opened: Pick<OpenModel, 'name' | 'config' | 'weights' | 'weightFiles'>;
  storage: StorageOptions & { nf4: object };
  /** Of the source. */
  fingerprint: string;
  /** A copy is made where there is none. */
  keep: boolean;
  reporter: Pick<Reporter, 'emit'>;
}

/** Changes with the form of the copy's file, and with quantization on the processor. */
const FORM = 2;
/** The shaders that quantize: another text may give other bits. */
const QUANTIZERS = new Set(['quantize_nf4.wgsl', 'lib/decode_f32.wgsl']);
/** Disk that a run wants besides, whatever else is free. */
const SPARE_BYTES = 1e9;

/** The weight files of a source: a fingerprint reads samples of a large one, so that its date has to tell the rest. */
function sourcesOf(files: OpenModel['weightFiles']): SourceFile[] {
  return files
    .map(({ name, blob }) => ({
      name,
      bytes: blob.size,
      modifiedAt: blob instanceof File ? blob.lastModified : 0,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Hash of all that the copy's bytes and their places depend on. */
function keyOf({ fingerprint, storage: { nf4 }, opened }: CopyOptions, layout: readonly CopyEntry[]): Promise<string> {
  const sources = sourcesOf(opened.weightFiles);
  const shaders = shaderSources().filter(([path]) => QUANTIZERS.has(path));
  const all = { form: FORM, fingerprint, sources, shaders, nf4, layout };
  return sha256Hex(new TextEncoder().encode(JSON.stringify(all)));
}

/** A stored copy that has what the layout says. @returns null: none is kept @throws copy.broken, storage.failed */
async function findCopy(key: string, layout: readonly CopyEntry[]): Promise<BaseCopy | null> {
  const stored = await openCopy(key);
  if (!stored) return null;
  const { manifest, file, record } = stored;
  const sizes = pieceSizes(layout);
  const fits =
    JSON.stringify(manifest.layout) === JSON.stringify(layout) &&
    manifest.pieces.length === sizes.length &&
    manifest.pieces.every(({ bytes }, i) => bytes === sizes[i]) &&
    sizes.reduce((sum, bytes) => sum + bytes, record.manifestBytes) === file.size;
  check(fits, 'copy.broken', 'it holds other tensors than the model has');
  const read: BaseCopy['read'] = (at, bytes, memory) => blobBytes(file.slice(at, at + bytes), memory);
  return { layout, hashes: manifest.pieces.map(({ sha256 }) => sha256), read };
}

/** Bytes that are lacking for a copy; it takes no more than half of what is free: features and checkpoints want room too. */
async function lacking(bytes: number): Promise<number> {
  const { quota, usage } = (await navigator.storage.estimate?.()) ?? {};
  return quota === undefined || usage === undefined ? 0 : Math.max(0, 2 * bytes + SPARE_BYTES - (quota - usage));
}

function sizeText(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** What went wrong, as the end of a sentence. */
function reasonOf(error: unknown): string {
  return toErrorRecord(error).message.replace(/\.$/, '');
}

/** What a run is told of the copy. */
function createNotes(name: string, reporter: CopyOptions['reporter']) {
  const note = (level: NoticeEvent['level'], code: string, message: string): void =>
    reporter.emit({ type: 'notice', level, code, message });
  const none = `No 4-bit copy of ${name} is kept`;
  return {
    read: () => note('info', 'base.copyRead', 'The base was read from its 4-bit copy in this browser.'),
    kept: (bytes: number) =>
      note('info', 'base.copyKept', `The base is kept in 4 bits for the next start (${sizeText(bytes)}).`),
    noRoom: (bytes: number, more: number) => {
      const room = `it would need ${sizeText(bytes)}, and ${sizeText(more)} more would have to be free in this browser`;
      note('info', 'base.copyNoRoom', `${none} for the next start: ${room}.`);
    },
    failed: (error: unknown) =>
      note('warning', 'base.copyFailed', `${none}: ${reasonOf(error)}. The run goes on without.`),
    unusable: (error: unknown, removed: boolean) => {
      const end = removed ? 'it was removed, and the model’s own files are read' : 'the model’s own files are read';
      const message = `The 4-bit copy of ${name} cannot be used (${reasonOf(error)}): ${end}.`;
      note('warning', 'base.copyBroken', message);
    },
  };
}

type Notes = ReturnType<typeof createNotes>;

/** Tells that a copy cannot be used, and removes one that is damaged: what the browser could not look at may be whole. */
async function giveUp(copy: CopyIdentity | null, error: unknown, notes: Notes): Promise<void> {
  const damaged = copy !== null && toErrorRecord(error).code === 'copy.broken';
  const removed = damaged && (await deleteCopy(copy.key, copy).catch(() => false));
  notes.unusable(error, removed);
}

interface Usable {
  record: ModelCopy;
  copy: BaseCopy;
}

/** @returns null where none can be used, or none is there */
async function findUsable(key: string, layout: readonly CopyEntry[], notes: Notes): Promise<Usable | null> {
  let record: ModelCopy | null = null;
  try {
    record = await copyRecord(key);
    const copy = record && (await findCopy(key, layout));
    return record && copy && { record, copy };
  } catch (error) {
    await giveUp(record, error, notes);
    return null;
  }
}

/** @returns null where none can be made now */
async function begin(key: string, bytes: number, notes: Notes): Promise<CopyWriter | null> {
  try {
    const more = await lacking(bytes);
    if (more === 0) return await beginCopy(key);
    notes.noRoom(bytes, more);
  } catch (error) {
    notes.failed(error);
  }
  return null;
}

/**
 * Looks for the copy of a base, or begins one. Say `finish` when it is loaded and `close` in any case.
 * @throws weights.*, gpu.bufferTooLarge
 */
export async function openCopiedBase(gpu: Gpu, options: CopyOptions): Promise<CopiedBase> {
  const { opened, storage, keep, reporter } = options;
  const { name, config, weights, weightFiles } = opened;
  const layout = await modelLayout(weights, config, storage, gpu.device.limits);
  const key = await keyOf(options, layout);
  const bytes = pieceSizes(layout).reduce((sum, one) => sum + one, 0);
  const notes = createNotes(name, reporter);
  let found = await findUsable(key, layout, notes);
  let writer = !found && keep ? await begin(key, bytes, notes) : null;

  const broken = (error: unknown): Promise<void> => {
    const record = found?.record ?? null;
    found = null;
    return giveUp(record, error, notes);
  };
  const close = async (): Promise<void> => {
    const ended = writer;
    writer = null;
    await ended?.close();
  };
  const failed = async (error: unknown): Promise<void> => {
    await close();
    notes.failed(error);
  };
  return {
    through(files) {
      if (found) return loaderFromCopy(gpu, files, found.copy, broken);
      const own = writer;
      return own ? loaderIntoCopy(gpu, files, (piece) => own.append(piece), failed) : files;
    },
    async finish() {
      if (found) notes.read();
      if (!writer) return;
      // What the GPU could not do may not become a copy.
      await gpu.settled();
      const sources = sourcesOf(weightFiles);
      const sourceBytes = sources.reduce((sum, file) => sum + file.bytes, 0);
      try {
        notes.kept((await writer.publish(layout, { name, sourceBytes, sources })).bytes);
      } catch (error) {
        return failed(error);
      }
      await close();
      found = await findUsable(key, layout, notes);
    },
    close,
  };
}
