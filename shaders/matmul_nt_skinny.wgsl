// y[m, n] = scale * sum_k x[m, k] w[n, k]  (+ bias[n])  (+ y[m, n] or addend[m, n])
// Variant for GPUs where y has few rows (decode) or few columns (the inner side of a LoRA factor): the tiles of
// matmul_nt_tile.wgsl would be few and mostly empty. 32 lanes share the inner dimension, each takes every 32nd eight of it
// for ROWS rows and four columns, and they are added up in a fixed order. GROUPS such fours of columns to a workgroup.
// Same interface as matmul_nt.wgsl; K and the offset of w are multiples of 8.
// import lib/decode_f32.wgsl
// import lib/grid.wgsl
// import lib/lane_sum.wgsl
// import lib/matmul_nt_interface.wgsl
// import lib/tile_weight.wgsl
const ROWS: u32 = 16u; // spec 1, or a multiple of 4
const GROUPS: u32 = 4u; // spec
const LANES: u32 = 32u;
const ADD: u32 = 0u; // spec
const BIAS: bool = false; // spec

alias Output = vec4f;

@compute @workgroup_size(LANES, GROUPS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let row0 = grid_row(group, groups, 1u) * ROWS;
  let column4 = group.x * GROUPS + local.y;
  prepare_weights(index);
  // Rows and columns beyond the last are read again, and not written.
  var xAt: array<u32, ROWS>; // registers
  var wAt: array<u32, 4>; // registers
  for (var i = 0u; i < ROWS; i++) { // unroll
    xAt[i] = params.xOffset4 + min(row0 + i, params.m - 1u) * params.xStride4;
  }
  for (var j = 0u; j < 4u; j++) { // unroll
    wAt[j] = (params.wOffset4 + min(column4 * 4u + j, params.n - 1u) * params.k4) / 2u;
  }
  // Whole fours of rows, for the sum: those beyond ROWS stay 0.
  var acc: array<f32, (ROWS + 3) / 4 * 16>; // registers
  for (var k = local.x; k < params.k4 / 2u; k += LANES) {
    var w0: array<vec4f, 4>; // registers
    var w1: array<vec4f, 4>; // registers
    for (var j = 0u; j < 4u; j++) { // unroll
      let eight = tile_weight8(wAt[j] + k);
      w0[j] = eight[0];
      w1[j] = eight[1];
    }
    for (var i = 0u; i < ROWS; i++) { // unroll
      let x0 = x[xAt[i] + k * 2u];
      let x1 = x[xAt[i] + k * 2u + 1u];
      for (var j = 0u; j < 4u; j++) { // unroll
        for (var e = 0u; e < 4u; e++) { // unroll
          acc[i * 4 + j] += x0[e] * w0[j][e];
          acc[i * 4 + j] += x1[e] * w1[j][e];
        }
      }
    }
  }
  for (var part = 0u; part < (ROWS + 3) / 4; part++) { // unroll
    let sum = lane_sum4(
      vec4f(acc[part * 16], acc[part * 16 + 1], acc[part * 16 + 2], acc[part * 16 + 3]),
      vec4f(acc[part * 16 + 4], acc[part * 16 + 5], acc[part * 16 + 6], acc[part * 16 + 7]),
      vec4f(acc[part * 16 + 8], acc[part * 16 + 9], acc[part * 16 + 10], acc[part * 16 + 11]),
      vec4f(acc[part * 16 + 12], acc[part * 16 + 13], acc[part * 16 + 14], acc[part * 16 + 15]),
      local.x,
      local.y,
    );
    let inPart = part * 4u + local.x;
    if (local.x < 4u && inPart < ROWS && row0 + inPart < params.m && column4 * 4u < params.n) {
      let at = params.yOffset4 + (row0 + inPart) * params.yStride4 + column4;
      var value = params.scale * sum;
      if (BIAS) {
        value += bias[params.firstColumn4 + column4];
      }
      if (ADD == 1u) {
        value += y[at];
      }
      if (ADD == 2u) {
        value += addend[params.addendOffset4 + (row0 + inPart) * params.addendStride4 + column4];
      }
      y[at] = value;
    }
  }
}
