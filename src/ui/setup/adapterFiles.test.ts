import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { readAdapterFiles } from './adapterFiles';

const config = JSON.stringify({ peft_type: 'LORA', r: 8, lora_alpha: 16, target_modules: ['q_proj', 'v_proj'] });
const file = (path: string, content: string): { path: string; file: Blob } => ({ path, file: new Blob([content]) });

test('an adapter is read from two files, from its folder, and from a zip', async () => {
  const pair = [file('adapter_config.json', config), file('adapter_model.safetensors', 'w')];
  const facts = { r: 8, lora_alpha: 16, target_modules: ['q_proj', 'v_proj'] };
  expect(await readAdapterFiles(pair)).toMatchObject({ ...facts, source: { name: 'adapter' } });
  const ghost = file('._adapter_model.zip', 'left by macOS');
  expect(await readAdapterFiles([ghost, ...pair])).toMatchObject(facts);
  const folder = pair.map(({ path, file: blob }) => ({ path: `mine/${path}`, file: blob }));
  expect(await readAdapterFiles([...folder, file('mine/README.md', '')])).toMatchObject({ source: { name: 'mine' } });
  const bytes = zipSync({
    'lorikeet-demo-adapter/adapter_config.json': new TextEncoder().encode(config),
    'lorikeet-demo-adapter/adapter_model.safetensors': new Uint8Array([1, 2, 3]),
  });
  const picked = await readAdapterFiles([{ path: 'any.zip', file: new Blob([bytes]) }]);
  expect(picked).toMatchObject({ ...facts, source: { name: 'lorikeet-demo-adapter' } });
  expect(picked.source.weights.size).toBe(3);
});

test('what is missing or not LoRA is said by name', async () => {
  await expect(readAdapterFiles([file('adapter_model.safetensors', 'w')])).rejects.toMatchObject({
    code: 'adapter.missingFile',
    message: expect.stringContaining('adapter_config.json') as string,
  });
  await expect(
    readAdapterFiles([file('a/adapter_config.json', config), file('a/adapter_model.bin', 'w')]),
  ).rejects.toMatchObject({
    code: 'adapter.missingFile',
    hint: expect.stringContaining('safe_serialization') as string,
  });
  await expect(
    readAdapterFiles([file('a/adapter_config.json', config), file('b/adapter_config.json', config)]),
  ).rejects.toMatchObject({ code: 'adapter.several' });
  await expect(
    readAdapterFiles([file('adapter_config.json', '{"peft_type":"IA3"}'), file('adapter_model.safetensors', 'w')]),
  ).rejects.toMatchObject({ code: 'adapter.config', message: expect.stringContaining('IA3') as string });
  await expect(readAdapterFiles([file('x.zip', 'no zip')])).rejects.toMatchObject({ code: 'adapter.zip' });
});
