// y[m, k] = scale * sum_n x[m, n] w[n, k]  (+ y[m, k])
// Register variant for software adapters: each invocation makes ROWS x 4*COLS4 outputs, the four of a workgroup lie
// side by side and need the same rows of x. No workgroup memory.
// x f32 [M, N] by stride and offset; w [N, K] in its storage type; y f32 [M, K] by stride and offset.
// K, strides and offsets are multiples of 4. Where N is not, the columns of x up to the next multiple hold zeros.
// import lib/decode_f32.wgsl
// import lib/grid.wgsl
// import lib/matmul_nn_interface.wgsl
// import lib/share_none.wgsl
const ROWS: u32 = 8u; // spec
const COLS4: u32 = 2u; // spec
// Not a uniform: on a software adapter its branches would cost up to a tenth of the product.
const ADD: u32 = 0u; // spec 0: write, 1: add to y

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = lane_index(local);
  // Nobody leaves early: lanes beyond the last column still read rows for the others.
  let column0 = (group.x * 4u + lane) * COLS4;
  let row0 = grid_row(group, groups, 1u) * ROWS;
  var xAt: array<u32, ROWS / SHARE>; // registers
  var columns: array<u32, COLS4>; // registers
  var acc: array<vec4f, ROWS * COLS4>; // registers
  for (var s = 0u; s < ROWS / SHARE; s++) { // unroll
    xAt[s] = params.xOffset4 + min(row0 + s * SHARE + lane % SHARE, params.m - 1u) * params.xStride4;
  }
  for (var j = 0u; j < COLS4; j++) { // unroll
    columns[j] = params.wOffset4 + min(column0 + j, params.k4 - 1u);
  }
  for (var n = 0u; n < params.n; n += 4u) {
    var xv: array<vec4f, ROWS>; // registers
    for (var s = 0u; s < ROWS / SHARE; s++) { // unroll
      let own = x[xAt[s] + n / 4u];
      for (var l = 0u; l < SHARE; l++) { // unroll
        xv[s * SHARE + l] = from_lane(own, l);
      }
    }
    for (var e = 0u; e < 4u; e++) { // unroll
      let wRow = min(n + e, params.n - 1u) * params.k4;
      for (var j = 0u; j < COLS4; j++) { // unroll
        let wv = weight4(wRow + columns[j]);
        for (var i = 0u; i < ROWS; i++) { // unroll
          acc[i * COLS4 + j] += xv[i][e] * wv;
        }
      }
    }
  }
  for (var i = 0u; i < ROWS; i++) { // unroll
    if (row0 + i < params.m) {
      for (var j = 0u; j < COLS4; j++) { // unroll
        if (column0 + j < params.k4) {
          let at = params.yOffset4 + (row0 + i) * params.yStride4 + column0 + j;
          var value = params.scale * acc[i * COLS4 + j];
          if (ADD == 1u) {
            value += y[at];
          }
          y[at] = value;
        }
      }
    }
  }
}
