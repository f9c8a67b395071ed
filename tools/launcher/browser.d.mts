export function findProgram(names: string[]): string | null;
export function findBrowser(): string | null;
export function hasGpu(): boolean;
export function webgpuArgs(adapter: 'gpu' | 'software'): string[];
