// Takes files out of the page. They leave as downloads: the browser writes them to disk by itself, so that hundreds of
// megabytes never become a string here. (200 MB take 2 s so; base64 in parts takes 7 s, and all of that on the
// processor that trains.)

import { stat } from 'node:fs/promises';
import { Failure } from '../launcher/failure.mjs';
import { replaceFile } from './atomicFile.mjs';

/** Long enough to export a large run while its training takes the processor. */
const ANSWER_MS = 120_000;

/** Rejects when `work` takes longer than a page that still works would. */
async function inTime(name, work) {
  let timer;
  const tooLate = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Failure(`${name}: no answer in ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets the page save a file; resolves with the download, the size that it must have, and what it lacks. */
async function startDownload({ page, call, until }, name, [method, ...args]) {
  // After ten files without input from a person Chromium would ask before each further one, and nobody is there.
  await until(page.keyboard.press('Shift'));
  const started = page.waitForEvent('download', {
    predicate: (download) => download.suggestedFilename() === name,
    timeout: ANSWER_MS,
  });
  // When the page refuses, nobody waits for the download any more.
  started.catch(() => {});
  const { bytes, note } = await inTime(name, call(method, ...args));
  return { download: await until(started), bytes, note };
}

/**
 * Replaces a file by one that the page saves.
 * @param {object} session of openSession
 * @param {string} path absolute
 * @param {{name: string, call: [string, ...unknown[]], ready?: () => Promise<void>}} what `name` that the page saves it
 *   under, the call of the page that does so and answers with its size and note, and what is to happen once the whole
 *   file is here and before it takes its place
 * @returns {Promise<string | null>} what the file lacks, as a sentence; null when it is whole
 * @throws what the page answers, or the file system; an earlier file is untouched then
 */
export async function downloadTo(session, path, { name, call, ready }) {
  const { download, bytes, note } = await startDownload(session, name, call);
  try {
    await replaceFile(path, async (part) => {
      await session.until(download.saveAs(part));
      const { size } = await stat(part);
      if (size !== bytes) throw new Failure(`${name}: ${size} of ${bytes} bytes arrived.`);
      await ready?.();
    });
    return note;
  } finally {
    // A browser that died takes its downloads along.
    await download.delete().catch(() => {});
  }
}
