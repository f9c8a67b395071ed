// The order in which the vision tower sees patches: windows in raster order, cells inside, ragged windows kept.
// Pure index arithmetic; source: transformers 5, Qwen2_5_VisionTransformer.get_window_index.

import type { VisionConfig } from './config';

/** Patches of an image: frames, rows, columns. */
export type PatchGrid = readonly [number, number, number];

export interface VisionLayout {
  /** Patches P of all images. */
  patches: number;
  /** (P/merge²): the merged cell that stands at each place of the window order. */
  windowIndex: Uint32Array;
  /** (P): the input patch at each place of the window order. */
  patchOrder: Uint32Array;
  /** (P, 2) row and column of each patch, window order. */
  patchPlace: Uint32Array;
  /** (P, 4) key ranges inside windows, window order. */
  windowRanges: Uint32Array;
  /** (P, 4) key ranges over the whole frame, window order. */
  frameRanges: Uint32Array;
  /** Cumulative patch counts of the windows, from 0. */
  windowEnds: number[];
  /** Cumulative patch counts of the frames, from 0. */
  frameEnds: number[];
}

/** Merged cells of all images in window order, and cumulative patch counts of windows and frames. */
function windowOrder(grids: readonly PatchGrid[], config: VisionConfig) {
  const merge = config.spatialMergeSize;
  const unit = merge * merge;
  const side = Math.floor(config.windowSize / config.patchSize / merge);
  const cells: number[] = [];
  const windowEnds = [0];
  const frameEnds = [0];
  let base = 0;
  for (const [frames, rows, columns] of grids) {
    const [height, width] = [rows / merge, columns / merge];
    for (let frame = 0; frame < frames; frame++) {
      for (let top = 0; top < height; top += side) {
        for (let left = 0; left < width; left += side) {
          for (let y = top; y < Math.min(top + side, height); y++) {
            for (let x = left; x < Math.min(left + side, width); x++) cells.push(base + y * width + x);
          }
          windowEnds.push(cells.length * unit);
        }
      }
      base += height * width;
      frameEnds.push(base * unit);
    }
  }
  return { cells, windowEnds, frameEnds };
}

/** Row and column of every patch in input order: merge blocks in raster order, raster inside a block. */
export function patchPlaces(grids: readonly PatchGrid[], merge: number): number[] {
  const out: number[] = [];
  for (const [frames, rows, columns] of grids) {
    for (let frame = 0; frame < frames; frame++) {
      for (let top = 0; top < rows; top += merge) {
        for (let left = 0; left < columns; left += merge) {
          for (let y = 0; y < merge; y++) for (let x = 0; x < merge; x++) out.push(top + y, left + x);
        }
      }
    }
  }
  return out;
}

function rangesOf(ends: readonly number[], patches: number): Uint32Array {
  const ranges = new Uint32Array(patches * 4);
  for (let i = 0; i + 1 < ends.length; i++) {
    for (let p = ends[i]!; p < ends[i + 1]!; p++) ranges.set([0, 0, ends[i]!, ends[i + 1]!], p * 4);
  }
  return ranges;
}

/** The layout of several images that go through the tower together. */
export function visionLayout(grids: readonly PatchGrid[], config: VisionConfig): VisionLayout {
  const unit = config.spatialMergeSize ** 2;
  const { cells, windowEnds, frameEnds } = windowOrder(grids, config);
  const patches = cells.length * unit;
  const places = patchPlaces(grids, config.spatialMergeSize);
  const patchOrder = new Uint32Array(patches);
  const patchPlace = new Uint32Array(patches * 2);
  cells.forEach((cell, i) => {
    for (let e = 0; e < unit; e++) {
      const from = cell * unit + e;
      patchOrder[i * unit + e] = from;
      patchPlace[(i * unit + e) * 2] = places[from * 2]!;
      patchPlace[(i * unit + e) * 2 + 1] = places[from * 2 + 1]!;
    }
  });
  return {
    patches,
    windowIndex: Uint32Array.from(cells),
    patchOrder,
    patchPlace,
    windowRanges: rangesOf(windowEnds, patches),
    frameRanges: rangesOf(frameEnds, patches),
    windowEnds,
    frameEnds,
  };
}
