// Tests that take long in a file whose others do not. Whole files of them are named *.long.*.

import { test } from 'vitest';

/** `npm test` is to be short: vitest.config.ts passes on what the launcher says. */
export const SHORT = import.meta.env['LORIKEET_TESTS'] === 'short';

/** A test that `npm test` leaves to `npm run test:full`. */
export const longTest = test.runIf(!SHORT);
