// Takes the run file out of the page and puts it back. It leaves as a download: the browser writes it to disk by
// itself, so that hundreds of megabytes never become a string here. (200 MB take 2 s so; base64 in parts takes 7 s,
// and all of that on the processor that trains.)

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { replaceFile } from './atomicFile.mjs';
import { RUN_FILE } from './runRecord.mjs';
import { FILES_INPUT } from './session.mjs';

/** Long enough to export a large run while its training takes the processor. */
const ANSWER_MS = 120_000;

/** Lets the page save its run file; resolves with the download and the size it must have. */
async function startDownload({ page, call, until }) {
  // After ten files without input from a person Chromium would ask before each further one, and nobody is there.
  await until(page.keyboard.press('Shift'));
  const started = page.waitForEvent('download', {
    predicate: (download) => download.suggestedFilename() === RUN_FILE,
    timeout: ANSWER_MS,
  });
  // When the page refuses, nobody waits for the download any more.
  started.catch(() => {});
  const bytes = await call('runFile');
  return { download: await until(started), bytes };
}

/**
 * Replaces the folder's run file by the run as the page stores it now.
 * @param {object} session of openSession @param {string} folder absolute path
 * @throws what the page answers, or the file system; an earlier run file is untouched then
 */
export async function saveRunFile(session, folder) {
  const { download, bytes } = await startDownload(session);
  try {
    await replaceFile(join(folder, RUN_FILE), async (part) => {
      await session.until(download.saveAs(part));
      const { size } = await stat(part);
      if (size !== bytes) throw new Failure(`${RUN_FILE}: ${size} of ${bytes} bytes arrived.`);
    });
  } finally {
    // A browser that died takes its downloads along.
    await download.delete().catch(() => {});
  }
}

/**
 * Gives the page the folder's run file and lets it store the run.
 * @throws Failure with the page's message when the file cannot be used
 */
export async function openRunFile(session, folder) {
  await session.until(session.page.setInputFiles(FILES_INPUT, join(folder, RUN_FILE)));
  await session.call('openRun');
}
