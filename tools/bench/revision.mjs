// Another revision of this repository, checked out beside it and ready to run.

import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { REPOSITORY, inRepository } from '../launcher/paths.mjs';
import { captureProgram } from '../launcher/processes.mjs';

async function git(...args) {
  const { code, output } = await captureProgram('git', args, { cwd: REPOSITORY });
  if (code !== 0) throw new Failure(`git ${args.join(' ')} ended with code ${code}: ${output.trim()}`);
  return output.trim();
}

/** Lends our packages where the other revision asks for the same; else its own launcher installs its own. */
function lendPackages(folder) {
  const lock = (root) => readFileSync(join(root, 'package-lock.json'), 'utf8');
  if (lock(folder) !== lock(REPOSITORY)) return;
  symlinkSync(inRepository('node_modules'), join(folder, 'node_modules'), 'junction');
}

/**
 * Checks a revision out into .cache.
 * @param {string} revision anything that git takes for a commit
 * @returns {Promise<{folder: string, commit: string, remove: () => Promise<void>}>} `commit` is short
 * @throws Failure when git does not know it
 */
export async function checkOutRevision(revision) {
  const commit = await git('rev-parse', '--short=10', '--verify', `${revision}^{commit}`);
  const folder = inRepository('.cache', 'bench', commit);
  const remove = async () => {
    // Removes the link to our packages, not what it points to.
    rmSync(folder, { recursive: true, force: true });
    await git('worktree', 'prune');
  };
  // An interrupted bench leaves its own behind.
  await remove();
  await git('worktree', 'add', '--detach', folder, commit);
  lendPackages(folder);
  return { folder, commit, remove };
}
