// The memory of a browser's processes, read from Linux's /proc: what they hold of their own, files they map left out.

import { readdirSync, readFileSync } from 'node:fs';

/** Processes that are told apart, by the words of their command line. */
const KINDS = [
  ['renderer', '--type=renderer'],
  ['gpu', '--type=gpu-process'],
];

/** A file of /proc; null once the process is gone. */
function readProc(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return null;
  }
}

function parentOf(pid) {
  // The name in brackets may hold anything; the parent is the second field after it.
  const fields = readProc(pid, 'stat')?.split(') ').at(-1).split(' ');
  return fields === undefined ? 0 : Number(fields[1]);
}

function isBelow(pid, root) {
  let at = pid;
  while (at > 1 && at !== root) at = parentOf(at);
  return at === root;
}

/**
 * Anonymous and shared pages of a process in bytes, without those of files; 0 once it is gone.
 * Pages that two processes share count in both.
 */
export function residentBytes(pid) {
  const status = readProc(pid, 'status') ?? '';
  const kib = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
  return 1024 * (kib('RssAnon') + kib('RssShmem'));
}

/**
 * Reads what the renderers and the GPU processes below a process hold.
 * @param {number} root number of a process
 * @returns {() => {renderer: number, gpu: number}} bytes now
 */
export function watchBrowser(root) {
  /** Kind of those that count, by process number, which comes again only after tens of thousands. */
  const kinds = new Map();
  const kindOf = (pid) => {
    if (kinds.has(pid)) return kinds.get(pid);
    // Chromium writes its processes' words with spaces between them. One that has just forked has its parent's still.
    const words = readProc(pid, 'cmdline')?.split(/[\0 ]/) ?? [];
    const kind = KINDS.find(([, word]) => words.includes(word))?.[0] ?? null;
    if (kind === null || !isBelow(pid, root)) return null;
    kinds.set(pid, kind);
    return kind;
  };
  return () => {
    const sums = { renderer: 0, gpu: 0 };
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid)) continue;
      const kind = kindOf(pid);
      if (kind !== null) sums[kind] += residentBytes(pid);
    }
    return sums;
  };
}

/** Memory that the machine can still give, in bytes. */
export function availableBytes() {
  return 1024 * Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0);
}
