// @vitest-environment node
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { readGzipLines, writeGzipLines } from './gzipLines';

function zipped(text: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(text));
}

it('gives back every record with NaN, infinities and negative zero', async () => {
  const records = [{ a: NaN, b: [Infinity, -Infinity, -0] }, {}, 'x\ny', null, { '~': 'NaN', more: 1 }];
  const bytes = await writeGzipLines(records, 'log');
  const back = await readGzipLines(bytes, 'log');
  expect(back).toEqual(records);
  expect(Object.is((back[0] as { b: number[] }).b[2], -0)).toBe(true);
  expect(gunzipSync(bytes).toString().split('\n')[0]).toBe(
    '{"a":{"~":"NaN"},"b":[{"~":"Infinity"},{"~":"-Infinity"},-0]}',
  );
  expect(await readGzipLines(await writeGzipLines([], 'log'), 'log')).toEqual([]);
});

it('gives back many records across the chunks of a stream', async () => {
  const records = Array.from({ length: 20_000 }, (_, seq) => ({ seq, text: `event ${seq * 7919}` }));
  expect(await readGzipLines(await writeGzipLines(records, 'log'), 'log')).toEqual(records);
});

it('refuses a record that could be taken for a tagged number', async () => {
  await expect(writeGzipLines([{ '~': 'NaN' }], 'log')).rejects.toMatchObject({ code: 'json.value' });
});

it('refuses what is cut, damaged or no gzip at all, and names the line', async () => {
  const whole = await writeGzipLines([{ a: 1 }, { b: 2 }], 'log');
  const flipped = whole.slice();
  flipped[flipped.length - 6]! ^= 1;
  const cases = [whole.slice(0, -1), flipped, Uint8Array.of(1, 2, 3), zipped('{"a":1}'), zipped('{"a":1}\n{"a":\n')];
  for (const bytes of [
    ...cases,
    zipped('{"__proto__":{}}\n'),
    zipped(Uint8Array.of(0xff, 10)),
    zipped('{"~":"Nan"}\n'),
  ]) {
    await expect(readGzipLines(bytes, 'log')).rejects.toMatchObject({ code: 'lines.broken' });
  }
  await expect(readGzipLines(cases[4]!, 'log')).rejects.toThrow('log: after line 1: it is not JSON');
});

it('stops at a line that unpacks to more than 16 MB', async () => {
  const bomb = zipped(new Uint8Array(64 * 1024 * 1024).fill(32));
  expect(bomb.byteLength).toBeLessThan(100_000);
  await expect(readGzipLines(bomb, 'log')).rejects.toMatchObject({ code: 'lines.tooLarge' });
});
