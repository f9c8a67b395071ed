// y[m, n] = scale * sum_k x[m, k] w[n, k]  (+ bias[n])  (+ y[m, n] or addend[m, n])
// Register variant for software adapters: each invocation makes ROWS x 4*COLS4 outputs, the four of a workgroup lie
// side by side and need the same rows of x. No workgroup memory.
// x f32 [M, K] by stride and offset; w [N, K] in its storage type; y f32 [M, N] by stride and offset.
// K, strides and offsets are multiples of 4. Where N is not, the columns of y up to the next multiple are written too.
// import lib/decode_f32.wgsl
// import lib/grid.wgsl
// import lib/matmul_nt_interface.wgsl
// import lib/share_none.wgsl
const ROWS: u32 = 8u; // spec
const COLS4: u32 = 2u; // spec
// Not uniforms: on a software adapter their branches would cost a fifth of the product.
const ADD: u32 = 0u; // spec 0: write, 1: add to y, 2: add the addend
const BIAS: bool = false; // spec

alias Output = vec4f;

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = lane_index(local);
  // Nobody leaves early: lanes beyond the last column still read rows for the others.
  let column0 = (group.x * 4u + lane) * COLS4 * 4u;
  let row0 = grid_row(group, groups, 1u) * ROWS;
  var xAt: array<u32, ROWS / SHARE>; // registers
  var wAt: array<u32, COLS4 * 4>; // registers
  var acc: array<f32, ROWS * COLS4 * 4>; // registers
  for (var s = 0u; s < ROWS / SHARE; s++) { // unroll
    xAt[s] = params.xOffset4 + min(row0 + s * SHARE + lane % SHARE, params.m - 1u) * params.xStride4;
  }
  for (var j = 0u; j < COLS4 * 4; j++) { // unroll
    wAt[j] = params.wOffset4 + min(column0 + j, params.n - 1u) * params.k4;
  }
  for (var k = 0u; k < params.k4; k++) {
    var wv: array<vec4f, COLS4 * 4>; // registers
    for (var j = 0u; j < COLS4 * 4; j++) { // unroll
      wv[j] = weight4(wAt[j] + k);
    }
    for (var s = 0u; s < ROWS / SHARE; s++) { // unroll
      let own = x[xAt[s] + k];
      for (var l = 0u; l < SHARE; l++) { // unroll
        let xv = from_lane(own, l);
        for (var j = 0u; j < COLS4 * 4; j++) { // unroll
          acc[(s * SHARE + l) * COLS4 * 4 + j] += dot(xv, wv[j]);
        }
      }
    }
  }
  for (var i = 0u; i < ROWS; i++) { // unroll
    let row = row0 + i;
    if (row < params.m) {
      for (var j = 0u; j < COLS4; j++) { // unroll
        let column = column0 + j * 4u;
        if (column < params.n) {
          let at = params.yOffset4 + row * params.yStride4 + column / 4u;
          var value = params.scale * vec4f(
            acc[(i * COLS4 + j) * 4 + 0],
            acc[(i * COLS4 + j) * 4 + 1],
            acc[(i * COLS4 + j) * 4 + 2],
            acc[(i * COLS4 + j) * 4 + 3],
          );
          if (BIAS) {
            value += bias[params.firstColumn4 + column / 4u];
          }
          if (ADD == 1u) {
            value += y[at];
          }
          if (ADD == 2u) {
            value += addend[params.addendOffset4 + row * params.addendStride4 + column / 4u];
          }
          y[at] = value;
        }
      }
    }
  }
}
