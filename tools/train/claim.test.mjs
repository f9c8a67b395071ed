import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CLAIM, claimFolder } from './claim.mjs';

let folder;
let other;
const claimPath = () => join(folder, CLAIM);
const ownerOf = (path) => Number.parseInt(readFileSync(path, 'utf8'), 10);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lorikeet-claim-'));
  other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(other, 'spawn');
});
afterEach(async () => {
  other.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

test('a claim names its process until it is given back', () => {
  const release = claimFolder(folder);
  expect(ownerOf(claimPath())).toBe(process.pid);
  release();
  expect(existsSync(claimPath())).toBe(false);
});

test('giving a folder back leaves the claim of a runner that has taken it meanwhile', async () => {
  const release = claimFolder(folder);
  await writeFile(claimPath(), `${other.pid}\n`);
  release();
  expect(ownerOf(claimPath())).toBe(other.pid);
});

test('a folder is given back once: the end of the process does not take a later claim away', () => {
  const release = claimFolder(folder);
  release();
  claimFolder(folder);
  release();
  expect(ownerOf(claimPath())).toBe(process.pid);
});

test('a folder in which another runner works is refused, and keeps its claim', async () => {
  await writeFile(claimPath(), `${other.pid}\n`);
  expect(() => claimFolder(folder)).toThrow(`${folder} is in use by another npm run train (process ${other.pid}).`);
  expect(ownerOf(claimPath())).toBe(other.pid);
});

test.each(['killed', 'half written'])('a claim that was %s is taken over', async (kind) => {
  await writeFile(claimPath(), kind === 'killed' ? `${other.pid}\n` : '');
  other.kill('SIGKILL');
  await once(other, 'exit');
  claimFolder(folder);
  expect(ownerOf(claimPath())).toBe(process.pid);
});

test('a claim with the number of this process that an earlier process made is taken over', async () => {
  for (const claim of [`${process.pid} 1 another-boot\n`, `${process.pid}\n`]) {
    await writeFile(claimPath(), claim);
    claimFolder(folder)();
  }
});

test('a folder that this process holds cannot be claimed again', () => {
  claimFolder(folder);
  expect(() => claimFolder(folder)).toThrow(`(process ${process.pid})`);
});

test.runIf(process.platform === 'linux')(
  'a number that another process has now is no claim of that process',
  async () => {
    await writeFile(claimPath(), `${other.pid} 1 another-boot\n`);
    claimFolder(folder);
    expect(ownerOf(claimPath())).toBe(process.pid);
  },
);
