import type { Plugin } from 'vite';

export function referenceFolder(): string;
export function referencePlugin(root?: string): Plugin;
