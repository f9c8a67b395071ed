import { expect, test } from 'vitest';
import { Failure } from './failure.mjs';
import { readHubHost } from './hubHost.mjs';
import { startServer } from './server.mjs';
import { serveOrJoin } from './start.mjs';

test('a server that runs already is joined, unless a hub was named, of which it cannot be told', async () => {
  const server = await startServer({ root: '.' });
  try {
    expect(await serveOrJoin(server.port)).toBe(null);
    const joining = serveOrJoin(server.port, readHubHost('https://hf-mirror.com'));
    await expect(joining).rejects.toThrow(Failure);
    await expect(joining).rejects.toThrow('--hub-host');
  } finally {
    await server.close();
  }
});
