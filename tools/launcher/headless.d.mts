import type { Page } from 'playwright';

export function openHeadless(options: {
  executablePath: string;
  adapter: 'gpu' | 'software';
  headed?: boolean;
  profile?: string;
}): Promise<{ page: Page; failed: Promise<never>; close: () => Promise<void>; isAlive: () => boolean }>;
