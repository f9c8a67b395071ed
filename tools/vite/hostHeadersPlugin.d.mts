import type { Plugin } from 'vite';

export function hostHeaders(files: string[]): string;
export function hostHeadersPlugin(): Plugin;
