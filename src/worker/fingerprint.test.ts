// @vitest-environment node
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { DatasetRow } from '../base/dataset';
import { shaderSources } from '../ops/shaderSources';
import { baseFingerprint, kernelFingerprint, rowsFingerprint } from './fingerprint';

const MB = 2 ** 20;
const HEX = /^[0-9a-f]{64}$/;

const weights = (...bytes: number[]) => new Blob([Uint8Array.from(bytes)]);

describe('baseFingerprint', () => {
  const config = { hidden_size: 128, text: { a: 1, b: [1, 2], '7': 0 } };
  const files = [
    { name: 'model-1.safetensors', blob: weights(1, 2, 3) },
    { name: 'model-2.safetensors', blob: weights(4) },
  ];

  it('does not depend on the order of files or keys', async () => {
    const first = await baseFingerprint(config, files);
    expect(first).toMatch(HEX);
    const reordered = { text: { '7': 0, b: [1, 2], a: 1 }, hidden_size: 128 };
    expect(await baseFingerprint(reordered, [...files].reverse())).toBe(first);
  });

  it.each([
    { name: 'a value of the config', config: { ...config, hidden_size: 64 }, files },
    { name: 'the order of a list', config: { ...config, text: { ...config.text, b: [2, 1] } }, files },
    { name: 'a key that moved up', config: { ...config, a: 1, text: { b: [1, 2], '7': 0 } }, files },
    { name: 'one byte', config, files: [{ ...files[0]!, blob: weights(1, 2, 4) }, files[1]!] },
    { name: 'a name', config, files: [{ ...files[0]!, name: 'model-3.safetensors' }, files[1]!] },
    { name: 'a missing file', config, files: files.slice(1) },
    {
      name: 'bytes that moved from one file to the next',
      config,
      files: [
        { ...files[0]!, blob: weights(1, 2) },
        { ...files[1]!, blob: weights(3, 4) },
      ],
    },
  ])('differs with $name', async (other) => {
    expect(await baseFingerprint(other.config, other.files)).not.toBe(await baseFingerprint(config, files));
  });

  it('hashes a file in pieces as if it were whole', async () => {
    const bytes = Uint8Array.from({ length: 20 * MB + 7 }, (_, i) => (i * 7919) >> 8);
    const digest = createHash('sha256').update(bytes).digest('hex');
    const hashes = [['model.safetensors', bytes.length, digest]];
    const parts = { config: { object: [['a', 1]] }, files: hashes };
    const want = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
    const blob = new Blob([bytes]);
    let largest = 0;
    const slice = blob.slice.bind(blob);
    blob.slice = (from, to) => {
      largest = Math.max(largest, to! - from!);
      return slice(from, to);
    };
    expect(await baseFingerprint({ a: 1 }, [{ name: 'model.safetensors', blob }])).toBe(want);
    expect(largest).toBeLessThanOrEqual(8 * MB);
  });

  it('reads of a file above 256 MB its header, its length, its end and a sample every 16 MB', async () => {
    const zeros = new Uint8Array(MB);
    const head = new Uint8Array(MB);
    const headerLength = 100_000;
    new DataView(head.buffer).setBigUint64(0, BigInt(headerLength), true);
    /** 260 MB of zeros after the header's length, but for one byte; the zeros are one buffer that is named often. */
    const large = (at: number | null, megabytes = 260) => {
      const parts = Array.from({ length: megabytes }, (_, i) => (i === 0 ? head : zeros));
      if (at !== null) {
        const block = Math.floor(at / MB);
        parts[block] = parts[block]!.slice();
        parts[block][at % MB] = 1;
      }
      return baseFingerprint(config, [{ name: 'model.safetensors', blob: new Blob(parts) }]);
    };
    const plain = await large(null);
    const seen = [headerLength + 7, 32 * MB, 32 * MB + 65_535, 256 * MB + 10, 260 * MB - 1];
    for (const at of seen) expect(await large(at), `byte ${at}`).not.toBe(plain);
    expect(await large(null, 261)).not.toBe(plain);
    // Between the samples: unseen, as said.
    expect(await large(40 * MB)).toBe(plain);
  }, 60_000);
});

describe('kernelFingerprint', () => {
  it('covers every shader file of the repository', () => {
    const folder = fileURLToPath(new URL('../../shaders', import.meta.url));
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.wgsl'));
    const want = paths.sort().map((path) => [path, readFileSync(join(folder, path), 'utf8')]);
    expect(shaderSources()).toEqual(want);
  });

  it('tells variants apart and is otherwise the same each time', async () => {
    const software = await kernelFingerprint({ variant: 'software', quads: true });
    expect(software).toMatch(HEX);
    expect(await kernelFingerprint({ variant: 'software', quads: true })).toBe(software);
    expect(await kernelFingerprint({ variant: 'software', quads: false })).not.toBe(software);
    expect(await kernelFingerprint({ variant: 'gpu', quads: true })).not.toBe(software);
  });
});

describe('rowsFingerprint', () => {
  const row: DatasetRow = {
    image: 'a'.repeat(64),
    imageName: 'cell.png',
    question: 'Q',
    thought: 'T',
    answer: 'A',
    split: 'train',
    file: 'train.jsonl',
    line: 1,
  };
  const rows = [row, { ...row, question: 'Other' }];

  it('is the same for rows that come from other lines, files and names, with or without counted tokens', async () => {
    const first = await rowsFingerprint(rows);
    expect(first).toMatch(HEX);
    const moved = rows.map((r) => ({ ...r, file: 'all.json', line: r.line + 5, imageName: 'x.png', promptTokens: 9 }));
    expect(await rowsFingerprint(moved)).toBe(first);
  });

  it.each([
    { name: 'the picture', other: [{ ...row, image: 'b'.repeat(64) }, rows[1]!] },
    { name: 'the question', other: [{ ...row, question: 'q' }, rows[1]!] },
    { name: 'the thought', other: [{ ...row, thought: 't' }, rows[1]!] },
    { name: 'the answer', other: [{ ...row, answer: 'a' }, rows[1]!] },
    { name: 'the split', other: [{ ...row, split: 'val' as const }, rows[1]!] },
    { name: 'the order of rows', other: [...rows].reverse() },
    { name: 'a row less', other: [row] },
    { name: 'text that moved from one field to the next', other: [{ ...row, thought: 'TA', answer: '' }, rows[1]!] },
  ])('differs with $name', async ({ other }) => {
    expect(await rowsFingerprint(other)).not.toBe(await rowsFingerprint(rows));
  });
});
