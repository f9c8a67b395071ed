// Which kernel makes a product, with which constants, and what a workgroup of it makes: by adapter class and shape.

import type { Kernel } from '../gpu/pipelines';
import type { Recorder } from '../gpu/recorder';
import ntSource from '../../shaders/matmul_nt.wgsl?raw';
import ntSkinnySource from '../../shaders/matmul_nt_skinny.wgsl?raw';
import ntTileSource from '../../shaders/matmul_nt_tile.wgsl?raw';
import nnSource from '../../shaders/matmul_nn.wgsl?raw';
import nnSkinnySource from '../../shaders/matmul_nn_skinny.wgsl?raw';
import nnTileSource from '../../shaders/matmul_nn_tile.wgsl?raw';
import tnSource from '../../shaders/matmul_tn.wgsl?raw';
import tnSplitSource from '../../shaders/matmul_tn_split.wgsl?raw';

const NT: Kernel = { name: 'matmul_nt.wgsl', source: ntSource };
const NT_SKINNY: Kernel = { name: 'matmul_nt_skinny.wgsl', source: ntSkinnySource };
const NT_TILE: Kernel = { name: 'matmul_nt_tile.wgsl', source: ntTileSource };
const NN: Kernel = { name: 'matmul_nn.wgsl', source: nnSource };
const NN_SKINNY: Kernel = { name: 'matmul_nn_skinny.wgsl', source: nnSkinnySource };
const NN_TILE: Kernel = { name: 'matmul_nn_tile.wgsl', source: nnTileSource };
const TN: Kernel = { name: 'matmul_tn.wgsl', source: tnSource };
const TN_SPLIT: Kernel = { name: 'matmul_tn_split.wgsl', source: tnSplitSource };

/** A kernel with its constants, and the rows and columns of the output that a workgroup makes. */
export interface ProductKernel {
  kernel: Kernel;
  spec: Record<string, number>;
  rows: number;
  columns: number;
}

/** Rows and columns of the output, and what is summed over. */
export interface ProductShape {
  m: number;
  columns: number;
  inner: number;
}

/**
 * A workgroup's tile on a GPU, 8 x 8 outputs to an invocation. Of 64 x 64, 128 x 64 and 64 x 128, what RDNA 2 and 3 make
 * of the first has the largest share of multiplications in NT; they differ by 2%.
 */
const TILE = { TILE_ROWS: 64, TILE_COLUMNS: 64 };

/** Rows and columns of the output up to which a tile would be mostly empty, or tiles too few to occupy a GPU. */
const SKINNY_ROWS = 32;
const SKINNY_COLUMNS = 64;
/** Skinny kernels share the inner dimension among 32 lanes: two turns of eight numbers. A shorter one suits tiles. */
const SKINNY_INNER = 512;

/** Columns of one invocation's block and of a workgroup's, in the register kernels. */
const BLOCK_COLUMNS4 = 2;
const GROUP_COLUMNS = 4 * 4 * BLOCK_COLUMNS4;
/** Blocks of 8 x 8 outputs that a workgroup of matmul_tn_split makes. */
const TN_BLOCKS = 4;

function registers(kernel: Kernel, { m }: ProductShape): ProductKernel {
  // Tall blocks load less per product; a few rows do not fill one.
  const rows = m <= 8 ? 8 : 16;
  return { kernel, spec: { ROWS: rows, COLS4: BLOCK_COLUMNS4 }, rows, columns: GROUP_COLUMNS };
}

function tile(kernel: Kernel): ProductKernel {
  return { kernel, spec: TILE, rows: TILE.TILE_ROWS, columns: TILE.TILE_COLUMNS };
}

function isSkinny({ m, columns, inner }: ProductShape): boolean {
  return (m <= SKINNY_ROWS || columns <= SKINNY_COLUMNS) && inner >= SKINNY_INNER;
}

function skinny(kernel: Kernel, { m, columns }: ProductShape): ProductKernel {
  const rows = m === 1 ? 1 : m <= 4 ? 4 : m <= 8 ? 8 : 16;
  // Four columns each. More groups would not leave workgroup memory for a table of levels.
  const groups = columns <= 8 ? 2 : 4;
  return { kernel, spec: { ROWS: rows, GROUPS: groups }, rows, columns: 4 * groups };
}

/** For y = x Wᵀ. @param byEights whether rows of W, and W itself, begin at multiples of eight weights */
export function ntKernel(
  { variant }: Pick<Recorder, 'variant'>,
  shape: ProductShape,
  byEights: boolean,
): ProductKernel {
  if (variant === 'software') return registers(NT, shape);
  return byEights && isSkinny(shape) ? skinny(NT_SKINNY, shape) : tile(NT_TILE);
}

/** For y = x W. */
export function nnKernel({ variant }: Pick<Recorder, 'variant'>, shape: ProductShape): ProductKernel {
  if (variant === 'software') return registers(NN, shape);
  return isSkinny(shape) ? skinny(NN_SKINNY, shape) : tile(NN_TILE);
}

/** For a gradient (i, j), summed over tokens. */
export function tnKernel({ variant }: Pick<Recorder, 'variant'>, i: number, j: number): ProductKernel {
  if (variant === 'software') return { kernel: TN, spec: {}, rows: 16, columns: 32 };
  // One of the two is a rank: a low one gets a workgroup's blocks side by side, or above each other.
  const blockRows = i <= 8 ? 1 : j <= 8 ? TN_BLOCKS : TN_BLOCKS / 2;
  return {
    kernel: TN_SPLIT,
    spec: { BLOCK_ROWS: blockRows },
    rows: 8 * blockRows,
    columns: (8 * TN_BLOCKS) / blockRows,
  };
}
