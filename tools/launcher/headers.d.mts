export const isolationHeaders: Record<string, string>;
export const securityHeaders: Record<string, string>;
export function securityHeadersOf(path: string, hubHosts?: string[]): Record<string, string>;
export function developmentHeadersOf(path: string): Record<string, string>;
