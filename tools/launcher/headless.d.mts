import type { Page } from 'playwright';

export function openHeadless(options: {
  executablePath: string;
  adapter: 'gpu' | 'software';
  headed?: boolean;
}): Promise<{ page: Page; failed: Promise<never>; close: () => Promise<void>; isAlive: () => boolean }>;
