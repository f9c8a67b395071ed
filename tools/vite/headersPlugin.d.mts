import type { Plugin } from 'vite';

export function headersPlugin(): Plugin;
