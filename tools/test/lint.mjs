// `npm run lint`: types, lint rules, unused code and formatting.

import { ensurePackages } from '../launcher/packages.mjs';
import { runStaticChecks } from './staticChecks.mjs';

export const options = {
  fix: { type: 'boolean', about: 'repair what can be repaired' },
};

/**
 * @param {{fix?: boolean}} flags
 * @returns {Promise<number>} 0 when all checks pass
 */
export async function run({ fix = false }) {
  await ensurePackages();
  const { failed } = await runStaticChecks({ fix });
  return failed === 0 ? 0 : 1;
}
