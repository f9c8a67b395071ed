// Where the repository lies.

import { fileURLToPath } from 'node:url';

/** Absolute path, with a slash at its end. */
export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
