// One file of a model, fetched in ranges into a part file: every byte has its place, a journal says which have arrived,
// and nothing counts before the whole file had the hash that the hub lists.

import type { HubFile } from '../base/hubModel';
import { check, LorikeetError } from '../base/errors';
import { addInterval, countBytes, frontier, missingPieces, type Interval } from '../base/intervals';
import { KEPT, TryAgain } from './failures';
import { hasherOf } from './hashing';
import { ask, withRetries, type Answer, type Net } from './net';
import { shareWaiting } from './waiting';

/**
 * Where the bytes of one file go until they are known to be right. Several connections may be at it at once. One that
 * has failed to write stays failed: what was not kept by then is not remembered.
 */
export interface PartFile {
  /** Bytes that had arrived when it was opened. */
  done: Interval[];
  /** At most so much may be lost when the browser dies: after so many bytes it is told to keep them. */
  keepBytes: number;
  /** What of `done` can be read back: all that was written, or what was kept. */
  readable: 'written' | 'kept';
  /** @throws storage.*, folder.* when not all bytes were taken */
  write(bytes: Uint8Array, at: number): void | Promise<void>;
  /** Exactly `length` bytes, the caller's until the next call. @throws storage.*, folder.* */
  read(at: number, length: number): Uint8Array | Promise<Uint8Array>;
  /** Makes sure that the bytes are on disk, then that `done` is remembered. */
  keep(done: readonly Interval[]): Promise<void>;
  /** Forgets all that has arrived. */
  restart(): Promise<void>;
}

export interface FileJob {
  file: HubFile;
  url: string;
  /** For messages: model and file. */
  what: string;
  part: PartFile;
  /** Hears how many bytes have arrived in all. */
  arrived(bytes: number): void;
  signal: AbortSignal;
}

/** Read back at once for the hash. */
const HASH_BYTES = 4 * 1024 * 1024;
/** A file that comes out wrong is fetched anew once: a wrong byte on the way is rarer than a wrong file. */
const ATTEMPTS = 2;

/** What is under way of one file. */
interface State {
  done: Interval[];
  /** What of it was kept. */
  kept: Interval[];
  /** Bytes written since the journal was last kept. */
  unkept: number;
  /** The server does not give parts of this file. */
  whole: boolean;
  hasher: ReturnType<typeof hasherOf>;
  hashed: number;
  hashing: boolean;
}

function contentRange(header: string | null): { from: number; end: number; size: number | null } | null {
  const found = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header?.trim() ?? '');
  if (!found) return null;
  return { from: Number(found[1]), end: Number(found[2]) + 1, size: found[3] === '*' ? null : Number(found[3]) };
}

function wrongAnswer(what: string, message: string): TryAgain {
  return new TryAgain(new LorikeetError('hub.range', `${what}: ${message}`, KEPT));
}

/** The server gives the whole file whatever part is asked for. */
class NoRanges extends Error {}

/** Refuses an answer that is not the bytes that were asked for, before one of them is written. */
function checkAnswer({ response }: Answer, { file, what }: FileJob, range: Interval | null): void {
  const { headers, status } = response;
  // File servers name a large file by its SHA-256; another one there is another file.
  const etag = /^(?:W\/)?"([0-9a-f]{64})"$/i.exec(headers.get('etag')?.trim() ?? '')?.[1];
  if (etag && file.algorithm === 'sha256' && etag.toLowerCase() !== file.hash) {
    const message = `${what}: the server now has another file (${etag.slice(0, 12)}) than the hub lists (${file.hash.slice(0, 12)}).`;
    throw new TryAgain(new LorikeetError('hub.changed', message, 'Look the model up anew; nothing of it was taken.'));
  }
  if (!range) return;
  if (status === 200) throw new NoRanges();
  const found = contentRange(headers.get('content-range'));
  // Where the browser does not show the header, the count and the hash decide.
  if (!found && headers.get('content-range') === null) return;
  const exact = found?.from === range[0] && found.end === range[1] && (found.size ?? file.bytes) === file.bytes;
  const expected = `bytes ${range[0]}-${range[1] - 1}/${file.bytes}`;
  if (!exact) throw wrongAnswer(what, `the server sent "${headers.get('content-range')}", expected "${expected}".`);
}

/** Takes [from, end) of the file; what has arrived stays when it fails. */
async function takeRange(net: Net, job: FileJob, state: State, [from, end]: Interval, signal: AbortSignal) {
  const { file, what, part } = job;
  let at = from;
  await withRetries(net, signal, async (progressed) => {
    if (at === end) return;
    const range: Interval | null = at === 0 && end === file.bytes ? null : [at, end];
    const answer = await ask(net, job.url, what, range, signal);
    try {
      checkAnswer(answer, job, range);
      for await (const bytes of answer.pieces()) {
        if (at + bytes.byteLength > end) throw wrongAnswer(what, `more came than the ${end - from} bytes asked for.`);
        await part.write(bytes, at);
        state.done = addInterval(state.done, [at, at + bytes.byteLength]);
        at += bytes.byteLength;
        state.unkept += bytes.byteLength;
        job.arrived(countBytes(state.done));
        progressed();
        if (state.unkept >= part.keepBytes) await keep(job, state);
      }
    } finally {
      answer.cancel();
    }
    if (at < end) throw wrongAnswer(what, `the answer ended after byte ${at}, ${end - at} bytes too early.`);
  });
}

/** The whole file in one answer, from the start: for a server that gives no parts. */
async function takeWhole(net: Net, job: FileJob, state: State): Promise<void> {
  await withRetries(net, job.signal, async () => {
    await restart(job, state);
    const single: FileJob = { ...job };
    // No progress is counted: each try begins at the first byte, so they must have an end.
    const once: Net = { ...net, settings: { ...net.settings, retries: 0 } };
    try {
      await takeRange(once, single, state, [0, job.file.bytes], job.signal);
    } catch (error) {
      if (error instanceof LorikeetError && PASSING.has(error.code)) throw new TryAgain(error);
      throw error;
    }
  });
}

/** Codes of failures that withRetries has given up and that may still pass. */
const PASSING = new Set(['hub.idle', 'hub.unreachable', 'hub.range', 'hub.status', 'hub.expired', 'hub.changed']);

async function restart({ file, part, arrived }: FileJob, state: State): Promise<void> {
  await part.restart();
  Object.assign(state, { done: [], kept: [], unkept: 0, hasher: hasherOf(file), hashed: 0 });
  arrived(0);
}

async function keep({ part }: FileJob, state: State): Promise<void> {
  state.unkept = 0;
  const { done } = state;
  await part.keep(done);
  state.kept = done;
}

/** Lets messages, timers and connections have their turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** How far the file can be hashed now. */
function hashEnd({ part }: FileJob, { done, kept }: State): number {
  return frontier(part.readable === 'kept' ? kept : done);
}

/**
 * Hashes what has arrived without a hole, piece by piece: of a file that is gone on with that can be gigabytes, and
 * connections that nobody hears meanwhile would count as silent. Does nothing while it is at it already.
 */
async function hashOn(job: FileJob, state: State, signal: AbortSignal): Promise<void> {
  if (state.hashing) return;
  state.hashing = true;
  try {
    for (let end = hashEnd(job, state); state.hashed < end; end = hashEnd(job, state)) {
      signal.throwIfAborted();
      const length = Math.min(HASH_BYTES, end - state.hashed);
      state.hasher.update(await job.part.read(state.hashed, length));
      state.hashed += length;
      await turn();
    }
  } finally {
    state.hashing = false;
  }
}

/** Fetches what is missing over several connections; the first failure ends them all. */
async function takeMissing(net: Net, job: FileJob, state: State): Promise<void> {
  const { settings } = net;
  const pieces = missingPieces(state.done, job.file.bytes, settings.rangeBytes);
  const failed = new AbortController();
  const signal = AbortSignal.any([job.signal, failed.signal]);
  const count = Math.min(settings.connections, pieces.length);
  const waits = shareWaiting(net.waiting, count);
  const connection = async (): Promise<void> => {
    const { waiting, end } = waits.join();
    for (let piece = pieces.shift(); piece; piece = pieces.shift()) {
      await takeRange({ ...net, waiting }, job, state, piece, signal);
      await hashOn(job, state, signal);
    }
    end();
  };
  let first: { error: unknown } | null = null;
  const connections = Array.from({ length: count }, () =>
    connection().catch((error: unknown) => {
      first ??= { error };
      failed.abort(error);
    }),
  );
  await Promise.all(connections);
  // The closure sets it, which TypeScript does not see.
  const failure = first as { error: unknown } | null;
  if (failure) throw failure.error;
}

async function takeAll(net: Net, job: FileJob, state: State): Promise<void> {
  try {
    if (!state.whole) await takeMissing(net, job, state);
  } catch (error) {
    if (!(error instanceof NoRanges)) throw error;
    state.whole = true;
  }
  if (frontier(state.done) < job.file.bytes) await takeWhole(net, job, state);
}

/**
 * Fetches what is missing of a file and checks the whole of it. When it returns, the part file holds the right bytes,
 * on disk.
 * @throws hub.hash after a second wrong file (the part is empty then); hub.*, storage.*, the signal's reason (what had
 *   arrived is kept)
 */
export async function downloadFile(net: Net, job: FileJob): Promise<void> {
  const { file, part, what } = job;
  const { done } = part;
  const state: State = {
    ...{ done, kept: done, unkept: 0, whole: false },
    ...{ hasher: hasherOf(file), hashed: 0, hashing: false },
  };
  job.arrived(countBytes(state.done));
  for (let attempt = 1; ; attempt++) {
    try {
      await takeAll(net, job, state);
      if (part.readable === 'kept') await keep(job, state);
      await hashOn(job, state, job.signal);
    } catch (error) {
      await keep(job, state).catch((failure: unknown) => {
        // A stop is no failure; that not all of it is kept is one.
        if (job.signal.aborted) throw failure;
      });
      throw error;
    }
    const found = state.hasher.digest();
    if (found === file.hash) return part.readable === 'kept' ? undefined : keep(job, state);
    await restart(job, state);
    const name = file.algorithm === 'sha256' ? 'SHA-256' : 'git hash';
    check(
      attempt < ATTEMPTS,
      'hub.hash',
      `${what}: what arrived has the ${name} ${found}; the hub lists ${file.hash}. It was thrown away, twice.`,
      'Try again later, or over another network: something on the way changes the file.',
    );
  }
}
