export const isolationHeaders: Record<string, string>;
export const securityHeaders: Record<string, string>;
export function securityHeadersOf(path: string): Record<string, string>;
export function developmentPolicyOf(path: string): string | null;
