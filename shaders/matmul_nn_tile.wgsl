// y[m, k] = scale * sum_n x[m, n] w[n, k]  (+ y[m, k])
// Workgroup variant for GPUs: a tile of y, N in steps of 16 through workgroup memory, 8 x 8 outputs each.
// Same interface and requirements as matmul_nn.wgsl.
// import lib/decode_f32.wgsl
// import lib/grid.wgsl
// import lib/matmul_nn_interface.wgsl
// import lib/product_tile.wgsl
// import lib/tile_weight.wgsl
const ADD: u32 = 0u; // spec

/** Rows of w that are read at once, and how often, for 16 of them. */
const W_ROWS: u32 = THREADS_X * THREADS_Y / WIDTH;

@compute @workgroup_size(THREADS_X, THREADS_Y)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let row4 = grid_row(group, groups, 1u) * HEIGHT;
  let column4 = group.x * WIDTH;
  prepare_weights(index);
  // Of x, four neighbours read 16 steps of the same rows; of w, as many as the tile is wide read a row. Rows and columns
  // beyond the last read it again, and are not written.
  let step4 = index % 4u;
  let place = index / 4u;
  let wStep = index / WIDTH;
  let wPlace = index % WIDTH;
  let wColumn = params.wOffset4 + min(column4 + wPlace, params.k4 - 1u);
  var wAt: array<u32, 256 / TILE_ROWS>; // registers
  for (var i = 0u; i < 256u / TILE_ROWS; i++) { // unroll
    wAt[i] = wColumn + (wStep + i * W_ROWS) * params.k4;
  }
  let rows = min((row4 + place) * 4u + vec4u(0u, 1u, 2u, 3u), vec4u(params.m - 1u));
  let xAt = params.xOffset4 + rows * params.xStride4;
  var acc: array<vec4f, 16>; // registers
  let whole = params.n / 16u * 16u;
  for (var n0 = 0u; n0 < whole; n0 += 16u) {
    let n4 = n0 / 4u + step4;
    load_x(step4, place, xAt + n4);
    for (var i = 0u; i < 256u / TILE_ROWS; i++) { // unroll
      let step = wStep + i * W_ROWS;
      wTile[step * WIDTH + step / 4u * 2u + wPlace] = tile_weight4(wAt[i] + n0 * params.k4);
    }
    workgroupBarrier();
    // import lib/product_steps.wgsl
    workgroupBarrier();
  }
  // What is left of N: a place beyond it holds what stands at its end, and is not read.
  if (whole < params.n) {
    let n4 = min(whole / 4u + step4, (params.n - 1u) / 4u);
    load_x(step4, place, xAt + n4);
    for (var i = 0u; i < 256u / TILE_ROWS; i++) { // unroll
      let step = wStep + i * W_ROWS;
      wTile[step * WIDTH + step / 4u * 2u + wPlace] = tile_weight4(min(whole + step, params.n - 1u) * params.k4 + wColumn);
    }
    workgroupBarrier();
    let rest = params.n - whole;
    // import lib/product_rest.wgsl
  }
  for (var i = 0u; i < 8u; i++) { // unroll
    let row = (row4 + local.y + i / 4u * THREADS_Y) * 4u + i % 4u;
    for (var j = 0u; j < 2u; j++) { // unroll
      let column = column4 + local.x + j * THREADS_X;
      if (row < params.m && column < params.k4) {
        let at = params.yOffset4 + row * params.yStride4 + column;
        var value = params.scale * acc[i * 2 + j];
        if (ADD == 1u) {
          value += y[at];
        }
        y[at] = value;
      }
    }
  }
}
