import { describe, expect, it } from 'vitest';
import { verifyImage } from './image';
import type { ImageFile } from './imageFixture';
import { openTestFolder } from '../../reference/testFolder';
import type { CheckResult, ReferenceCase, ReferenceFolder } from '../../reference/types';

/** The folder with the JPEG cases hidden: Node cannot decode them. */
function withoutJpeg(folder: ReferenceFolder): ReferenceFolder {
  const json = async (path: string): Promise<unknown> => {
    const value = await folder.json(path);
    if (!path.endsWith('image.json')) return value;
    const file = value as ImageFile;
    return { ...file, cases: file.cases.filter((entry) => entry.file.endsWith('.png')) };
  };
  return { ...folder, json };
}

/** Runs the verifier and collects what it says. */
async function verify(folder: ReferenceFolder, entry: ReferenceCase) {
  const results: CheckResult[] = [];
  const uncovered: string[] = [];
  await verifyImage(
    {
      folder,
      report: (result) => void results.push(result),
      uncovered: (name) => void uncovered.push(name),
      device: () => Promise.reject(new Error('no device is needed here')),
    },
    entry,
  );
  return { results, uncovered, failed: results.filter((result) => !result.pass) };
}

describe('the image group of the reference', () => {
  const folder = withoutJpeg(openTestFolder());
  for (const entry of folder.cases.filter(({ kind }) => kind === 'image')) {
    it(`${entry.id}: every PNG, size table, resize and pixel value agrees`, async () => {
      const { results, uncovered, failed } = await verify(folder, entry);
      expect(failed).toEqual([]);
      expect(uncovered).toEqual([]);
      expect(results.length).toBeGreaterThan(50);
    });

    it(`${entry.id}: a wrong number in the folder is noticed wherever it is`, async () => {
      const path = `${entry.path}/image.json`;
      const file = (await folder.json(path)) as ImageFile;
      const picture = file.cases.find((candidate) => candidate.name === 'tiny_28')!;
      const run = picture.runs[0]!;
      run.grid_thw = [1, 4, 5];
      run.resized_rgb.sha256 = '0'.repeat(64);
      picture.pre_resize.rgb.sha256 = '0'.repeat(64);
      picture.pre_resize.size_once = [28, 29];
      file.smart_resize[3]!.resized_width += 28;
      file.pre_resize_sizes[3]!.twice[0]! += 1;
      const tensors = await folder.tensors(`${entry.path}/image.safetensors`);
      const values = tensors.get(run.pixel_values.tensor)?.data;
      if (values) values[5]! += 2e-6;
      const json = async (): Promise<unknown> => ({ ...file, cases: [picture], errors: [{ height: 5, width: 5 }] });
      const { failed } = await verify({ ...folder, json, tensors: async () => tensors }, entry);
      expect(failed.map(({ name }) => name)).toEqual([
        `smart_resize, ${file.smart_resize.length} sizes`,
        `pre_resize_sizes, ${file.pre_resize_sizes.length} sizes`,
        'refuses 5 x 5',
        'tiny_28 (recipe, real) resized_rgb',
        'tiny_28 (recipe, real) grid_thw',
        'tiny_28 (recipe, real) pixel_values',
        'tiny_28 pre_resize size_once',
        'tiny_28 pre_resize rgb',
      ]);
    });
  }
});
