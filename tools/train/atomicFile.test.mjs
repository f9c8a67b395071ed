import { spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { partOf, replaceFile } from './atomicFile.mjs';

let folder;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorikeet-atomic-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Replaces a file in a process of its own, which is killed once half of the new content is on disk. */
function killWhileReplacing(path) {
  const script = `
    import { writeFile } from 'node:fs/promises';
    import { replaceFile } from ${JSON.stringify(new URL('./atomicFile.mjs', import.meta.url).href)};
    await replaceFile(${JSON.stringify(path)}, async (part) => {
      await writeFile(part, 'half of the n');
      process.stdout.write('half');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.once('data', () => child.kill('SIGKILL'));
  return new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
}

test('a file is replaced as a whole and nothing else stays', async () => {
  const path = join(folder, 'deeper', 'run.bin');
  await replaceFile(path, (part) => writeFile(part, 'old'));
  await replaceFile(path, (part) => writeFile(part, 'new'));
  expect(await readFile(path, 'utf8')).toBe('new');
  expect(await readdir(join(folder, 'deeper'))).toEqual(['run.bin']);
});

test('until the new content is complete, the old content is what is read', async () => {
  const path = join(folder, 'run.bin');
  await writeFile(path, 'old');
  await replaceFile(path, async (part) => {
    await writeFile(part, 'ne');
    expect(await readFile(path, 'utf8')).toBe('old');
    await writeFile(part, 'new');
  });
  expect(await readFile(path, 'utf8')).toBe('new');
});

test('a failed write throws its error and leaves the old content alone', async () => {
  const path = join(folder, 'run.bin');
  await writeFile(path, 'old');
  const failing = replaceFile(path, async (part) => {
    await writeFile(part, 'ne');
    throw new Error('no space left');
  });
  await expect(failing).rejects.toThrow('no space left');
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await readdir(folder)).toEqual(['run.bin']);
});

test('a kill in the middle of a write leaves the old content, and the next write succeeds', async () => {
  const path = join(folder, 'run.bin');
  await writeFile(path, 'old');
  expect(await killWhileReplacing(path)).toBe('SIGKILL');
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await readFile(partOf(path), 'utf8')).toBe('half of the n');
  await replaceFile(path, (part) => writeFile(part, 'new'));
  expect(await readFile(path, 'utf8')).toBe('new');
  expect(await readdir(folder)).toEqual(['run.bin']);
});
