export const IDENTITY_PATH: string;
export const IDENTITY: { app: string; server: number };
export function startServer(options: {
  root: string;
  mounts?: Record<string, string>;
  port?: number;
  hub?: { settings: Record<string, string | number>; hosts: string[] };
}): Promise<{ origin: string; port: number; close: () => Promise<void> }>;
