// y[m, k] = scale * sum_n x[m, n] w[n, k]  (+ y[m, k])
// Variant for GPUs where y has few rows or few columns (the outer side of a LoRA factor), as matmul_nt_skinny.wgsl:
// 32 lanes share the inner dimension, each takes every 32nd four of it for ROWS rows and four columns. Here neighbours in
// a workgroup make neighbouring columns, so that they read whole stretches of a row of w.
// Same interface and requirements as matmul_nn.wgsl.
// import lib/decode_f32.wgsl
// import lib/grid.wgsl
// import lib/lane_sum.wgsl
// import lib/matmul_nn_interface.wgsl
// import lib/tile_weight.wgsl
const ROWS: u32 = 16u; // spec 1, or a multiple of 4
const GROUPS: u32 = 4u; // spec
const LANES: u32 = 32u;
const ADD: u32 = 0u; // spec

@compute @workgroup_size(GROUPS, LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let row0 = grid_row(group, groups, 1u) * ROWS;
  let column4 = group.x * GROUPS + local.x;
  prepare_weights(index);
  // Rows and columns beyond the last are read again, and not written.
  let wAt = params.wOffset4 + min(column4, params.k4 - 1u);
  var xAt: array<u32, ROWS>; // registers
  for (var i = 0u; i < ROWS; i++) { // unroll
    xAt[i] = params.xOffset4 + min(row0 + i, params.m - 1u) * params.xStride4;
  }
  // Whole fours of rows, for the sum: those beyond ROWS stay 0.
  var acc: array<vec4f, (ROWS + 3) / 4 * 4>; // registers
  for (var n = local.y * 4u; n < params.n; n += 4u * LANES) {
    // Where n ends before a four does, x holds zeros.
    let w0 = tile_weight4(n * params.k4 + wAt);
    let w1 = tile_weight4(min(n + 1u, params.n - 1u) * params.k4 + wAt);
    let w2 = tile_weight4(min(n + 2u, params.n - 1u) * params.k4 + wAt);
    let w3 = tile_weight4(min(n + 3u, params.n - 1u) * params.k4 + wAt);
    for (var i = 0u; i < ROWS; i++) { // unroll
      let xv = x[xAt[i] + n / 4u];
      acc[i] += xv.x * w0;
      acc[i] += xv.y * w1;
      acc[i] += xv.z * w2;
      acc[i] += xv.w * w3;
    }
  }
  for (var part = 0u; part < (ROWS + 3) / 4; part++) { // unroll
    let sum = lane_sum4(acc[part * 4], acc[part * 4 + 1], acc[part * 4 + 2], acc[part * 4 + 3], local.y, local.x);
    let inPart = part * 4u + local.y;
    if (local.y < 4u && inPart < ROWS && row0 + inPart < params.m && column4 < params.k4) {
      let at = params.yOffset4 + (row0 + inPart) * params.yStride4 + column4;
      var value = params.scale * sum;
      if (ADD == 1u) {
        value += y[at];
      }
      y[at] = value;
    }
  }
}
