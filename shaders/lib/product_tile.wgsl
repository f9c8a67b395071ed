// A tile of a product through workgroup memory, for GPUs: TILE_ROWS x TILE_COLUMNS outputs by 8 x 8 to an invocation, 16
// steps of the inner dimension at a time. Both factors lie as [step][four rows or columns], so that an invocation reads
// its 8 rows and 8 columns of a step as four vectors. Its rows are 4*y .. 4*y+3 and as many from the tile's middle on,
// its columns likewise by x: neighbours read neighbouring vectors.
const TILE_ROWS: u32 = 64u; // spec
const TILE_COLUMNS: u32 = 64u; // spec
/** Rows and columns in vectors. */
const HEIGHT: u32 = TILE_ROWS / 4u;
const WIDTH: u32 = TILE_COLUMNS / 4u;
const THREADS_X: u32 = TILE_COLUMNS / 8u;
const THREADS_Y: u32 = TILE_ROWS / 8u;

// After four steps two vectors are left out: else those who write the same rows at four places of the inner dimension
// would meet in one bank.
var<workgroup> xTile: array<vec4f, 16u * HEIGHT + 6u>;
var<workgroup> wTile: array<vec4f, 16u * WIDTH + 6u>;

/** Where a step begins in a tile that is `width` vectors wide. */
fn tile_step(step: u32, width: u32) -> u32 {
  return step * width + step / 4u * 2u;
}

/** Four rows of x at four steps from 4*step4 on, turned. @param source where each row has them */
fn load_x(step4: u32, row4: u32, source: vec4u) {
  if (row4 >= HEIGHT) {
    return;
  }
  let at = tile_step(step4 * 4u, HEIGHT) + row4;
  let steps = transpose(mat4x4f(x[source.x], x[source.y], x[source.z], x[source.w]));
  xTile[at] = steps[0];
  xTile[at + HEIGHT] = steps[1];
  xTile[at + 2u * HEIGHT] = steps[2];
  xTile[at + 3u * HEIGHT] = steps[3];
}
