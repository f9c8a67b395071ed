import { describe, expect, it } from 'vitest';
import { openHttpFolder } from '../../reference/httpFolder';
import type { CheckResult } from '../../reference/types';
import { verifyImage } from './image';
import type { ImageFile } from './imageFixture';

const folder = await openHttpFolder('/reference');
const imageCase = folder.cases.find(({ kind }) => kind === 'image')!;
const meta = (await folder.json(`${imageCase.path}/image.json`)) as ImageFile;

describe('the image group of the reference in the browser', () => {
  it('agrees in every case, JPEG included', async () => {
    const results: CheckResult[] = [];
    const uncovered: string[] = [];
    const context = {
      folder,
      report: (result: CheckResult) => void results.push(result),
      uncovered: (name: string) => void uncovered.push(name),
      device: () => Promise.reject(new Error('no device is needed here')),
    };
    await verifyImage(context, imageCase);
    expect(results.filter((result) => !result.pass)).toEqual([]);
    expect(uncovered).toEqual([]);
    for (const { name } of meta.cases) expect(results.some((result) => result.name.startsWith(name))).toBe(true);
  });
});
