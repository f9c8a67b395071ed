// Tests that take long in a file whose others do not. Whole files of them are named *.long.e2e.ts.

import { test } from 'vitest';

/** A test that `npm test` leaves to `npm run test:full`. */
export const longTest = test.runIf(process.env['LORIKEET_TESTS'] !== 'short');
