// Which Debian this machine runs, if any.

import { existsSync, readFileSync } from 'node:fs';
import { findProgram } from './browser.mjs';

/**
 * Debian itself, not what is made from it: Ubuntu's packages have other contents under the same names.
 * @param {string} [release] text of /etc/os-release
 * @returns {string | null} the release's number, empty for one that has none yet; null where it is not Debian
 */
export function debianVersion(release = readRelease()) {
  if (!/^ID="?debian"?$/m.test(release)) return null;
  return /^VERSION_ID="?(\d+)"?$/m.exec(release)?.[1] ?? '';
}

function readRelease() {
  if (!existsSync('/etc/os-release') || !findProgram(['apt-get'])) return '';
  return readFileSync('/etc/os-release', 'utf8');
}
