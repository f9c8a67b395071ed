// @vitest-environment node
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { referenceFolder } from '../../tools/vite/referencePlugin.mjs';
import { mropePositions } from './mrope';
import type { Grid } from './mrope';

interface Layout {
  name: string;
  input_ids: number[][];
  attention_mask: number[][];
  image_grid_thw: Grid[];
  position_ids: number[][][];
  rope_delta: number[];
}

function json<T>(path: string): T {
  return JSON.parse(readFileSync(join(referenceFolder(), path), 'utf8')) as T;
}

it.each(readdirSync(join(referenceFolder(), 'model')))(
  'gives the positions and the delta of transformers: %s',
  (model) => {
    const config = json<{ image_token_id: number; vision_config: { spatial_merge_size: number } }>(
      `model/${model}/config.json`,
    );
    const tokens = { imageTokenId: config.image_token_id, spatialMergeSize: config.vision_config.spatial_merge_size };
    for (const layout of json<{ layouts: Layout[] }>(`model/${model}/rope.json`).layouts) {
      const grids = [...layout.image_grid_thw];
      layout.input_ids.forEach((row, b) => {
        const live = row.map((_, t) => t).filter((t) => layout.attention_mask[b]![t] === 1);
        const ids = live.map((t) => row[t]!);
        const starts = ids.filter((id, t) => id === tokens.imageTokenId && ids[t - 1] !== id).length;
        const { positions, next } = mropePositions(ids, grids.splice(0, starts), tokens);
        const want = layout.position_ids.map((axis) => live.map((t) => axis[b]![t]));
        expect([layout.name, ...positions]).toEqual([layout.name, ...want.flat()]);
        expect(next - ids.length).toBe(layout.rope_delta[b]);
      });
      expect(grids).toEqual([]);
    }
  },
);

it('counts frames on the time axis and separates images without text between them', () => {
  const tokens = { imageTokenId: 9, spatialMergeSize: 2 };
  const { positions, next } = mropePositions(
    [1, 9, 9, 9, 9, 9],
    [
      [2, 2, 4],
      [1, 2, 2],
    ],
    tokens,
  );
  expect([...positions]).toEqual([0, 1, 1, 2, 2, 3, 0, 1, 1, 1, 1, 3, 0, 1, 2, 1, 2, 3]);
  expect(next).toBe(4);
});

it('refuses image tokens that do not match the grids', () => {
  const tokens = { imageTokenId: 9, spatialMergeSize: 2 };
  expect(() => mropePositions([9], [], tokens)).toThrow(/there are 0 images/);
  expect(() => mropePositions([9, 1], [[1, 2, 4]], tokens)).toThrow(/needs 2 image tokens .* found 1/);
  expect(() => mropePositions([1], [[1, 2, 2]], tokens)).toThrow(/1 images, but image tokens for 0/);
});
