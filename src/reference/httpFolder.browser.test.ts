import { expect, test } from 'vitest';
import { openHttpFolder } from './httpFolder';

test('a folder is read over http: its cases, JSON, bytes and tensors', async () => {
  const folder = await openHttpFolder('/reference');
  expect(folder.cases.length).toBeGreaterThan(0);
  for (const entry of folder.cases) {
    const file = entry.files.find((name) => name.endsWith('.safetensors'));
    if (file === undefined) continue;
    const tensors = await folder.tensors(`${entry.path}/${file}`);
    for (const { shape, data } of tensors.values()) expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
    return;
  }
});

test('a missing file is known beforehand and named when asked for', async () => {
  const folder = await openHttpFolder('/reference/');
  expect(await folder.exists('manifest.json')).toBe(true);
  expect(await folder.exists('no/such.json')).toBe(false);
  await expect(folder.json('no/such.json')).rejects.toMatchObject({ code: 'reference.missing' });
});

test('an address without a manifest is refused', async () => {
  await expect(openHttpFolder('/reference/no-folder/')).rejects.toMatchObject({ code: 'reference.missing' });
});
