// The talk with the page: calls to `window.lorikeet`, messages through `window.lorikeetHost` (src/ui/automation.ts).

import { EventEmitter } from 'node:events';
import { Failure } from '../launcher/failure.mjs';

const READY_MS = 60_000;

/** The input in which the page takes files from its host (src/ui/automation.ts). */
const FILES_INPUT = '#automation-files';

/** An error of the page as the terminal shows it. */
export function pageFailure({ code, message, hint }) {
  return new Failure(`${message} (${code})`, hint, code);
}

/** Calls a function of the page's automation object; its errors keep code and hint. */
async function callPage(page, name, args) {
  const answer = await page.evaluate(
    async ([method, values]) => {
      try {
        return { value: (await globalThis.lorikeet[method](...values)) ?? null };
      } catch (error) {
        return { error: { code: error.code ?? 'internal', message: String(error.message ?? error), hint: error.hint } };
      }
    },
    [name, args],
  );
  if (answer.error) throw pageFailure(answer.error);
  return answer.value;
}

/**
 * Calls a function of the page's automation object on files, which it takes under the names that are given here. The
 * browser reads them from disk when it needs them: nothing is copied.
 */
async function callWithFiles({ page, until, call }, files, name, args) {
  await until(
    page.setInputFiles(
      FILES_INPUT,
      files.map(({ path }) => path),
    ),
  );
  return call(
    name,
    files.map((file) => file.name),
    ...args,
  );
}

/** Rejects when the page does not get ready, with what it said meanwhile. */
async function waitUntilReady(session, errors) {
  let timer;
  const tooLate = new Promise((_, reject) => {
    timer = setTimeout(() => {
      const said = errors.length > 0 ? ` It said: ${errors.join('; ')}` : '';
      reject(new Failure(`the page was not ready after ${READY_MS / 1000} s.${said}`));
    }, READY_MS);
  });
  try {
    await Promise.race([session.next(['ready']), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** The next message of one of `types` for which `wanted` holds. */
function nextMessage(messages, types, wanted = () => true) {
  return new Promise((resolve) => {
    const listen = (message) => {
      if (!wanted(message)) return;
      for (const type of types) messages.off(type, listen);
      resolve(message);
    };
    for (const type of types) messages.on(type, listen);
  });
}

/**
 * Opens the page and waits until it takes commands.
 * @param {{page: import('playwright').Page, failed: Promise<never>, isAlive: () => boolean}} browser of openHeadless
 * @param {string} url of the page
 * @returns {Promise<{messages: EventEmitter, page: import('playwright').Page,
 *   call: (name: string, ...args: unknown[]) => Promise<unknown>,
 *   give: (files: import('./givenFiles.mjs').GivenFile[], name: string, ...args: unknown[]) => Promise<unknown>,
 *   next: (types: string[], wanted?: (message: object) => boolean) => Promise<object>,
 *   isAlive: () => boolean,
 *   until: <T>(work: Promise<T>) => Promise<T>}>}
 *   `messages` emits each message by its type; `give` calls with files; `until` waits for work, and rejects
 *   when the browser dies first or the page says that it cannot train here
 */
export async function openSession({ page, failed, isAlive }, url) {
  const messages = new EventEmitter();
  const unsupported = nextMessage(messages, ['unsupported']).then(({ error }) => {
    throw pageFailure(error);
  });
  // It counts only while somebody waits for something.
  unsupported.catch(() => {});
  const until = (work) => Promise.race([work, failed, unsupported]);
  const next = (types, wanted) => until(nextMessage(messages, types, wanted));
  const session = {
    messages,
    page,
    isAlive,
    next,
    until,
    call: (name, ...args) => until(callPage(page, name, args)),
    give: (files, name, ...args) => callWithFiles(session, files, name, args),
  };
  const errors = [];
  const note = (text) => {
    errors.push(text);
    process.stderr.write(`page: ${text}\n`);
  };
  page.on('pageerror', (error) => note(error.message));
  page.on('console', (line) => line.type() === 'error' && note(line.text()));
  await page.exposeBinding('lorikeetHost', (_, message) => void messages.emit(message.type, message));
  const ready = waitUntilReady(session, errors);
  await Promise.all([ready, until(page.goto(url))]);
  return session;
}
