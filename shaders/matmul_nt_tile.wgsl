// y[m, n] = scale * sum_k x[m, k] w[n, k]  (+ bias[n])  (+ y[m, n] or addend[m, n])
// Workgroup variant for GPUs: a 64 x 64 tile of y, K in steps of 16 through workgroup memory, 4 x 4 outputs each.
// Same interface and requirements as matmul_nt.wgsl.
// import lib/decode_f32.wgsl
// import lib/grid.wgsl
// import lib/matmul_nt_interface.wgsl
const ADD: u32 = 0u; // spec
const BIAS: bool = false; // spec
const TILE: u32 = 64u;

alias Output = f32;

// [k of the step][row or column], so that an invocation reads four neighbours as scalars of one k.
var<workgroup> xTile: array<f32, 16 * 68>;
var<workgroup> wTile: array<f32, 16 * 68>;

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let row0 = grid_row(group, groups, 1u) * TILE;
  let column0 = group.x * TILE;
  let loadRow = index / 4u;
  let loadK4 = index % 4u;
  let xAt = params.xOffset4 + min(row0 + loadRow, params.m - 1u) * params.xStride4;
  let wAt = params.wOffset4 + min(column0 + loadRow, params.n - 1u) * params.k4;
  var acc: array<f32, 16>; // registers
  for (var k0 = 0u; k0 < params.k4; k0 += 4u) {
    let k = k0 + loadK4;
    let live = k < params.k4;
    let kSafe = min(k, params.k4 - 1u);
    let xv = select(vec4f(), x[xAt + kSafe], live);
    let wv = select(vec4f(), weight4(wAt + kSafe), live);
    for (var e = 0u; e < 4u; e++) { // unroll
      xTile[(loadK4 * 4u + e) * 68u + loadRow] = xv[e];
      wTile[(loadK4 * 4u + e) * 68u + loadRow] = wv[e];
    }
    workgroupBarrier();
    for (var step = 0u; step < 16u; step++) {
      let xBase = step * 68u + local.y * 4u;
      let wBase = step * 68u + local.x * 4u;
      let a = vec4f(xTile[xBase], xTile[xBase + 1u], xTile[xBase + 2u], xTile[xBase + 3u]);
      let b = vec4f(wTile[wBase], wTile[wBase + 1u], wTile[wBase + 2u], wTile[wBase + 3u]);
      for (var i = 0u; i < 4u; i++) { // unroll
        for (var j = 0u; j < 4u; j++) { // unroll
          acc[i * 4u + j] += a[i] * b[j];
        }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) { // unroll
    for (var j = 0u; j < 4u; j++) { // unroll
      let row = row0 + local.y * 4u + i;
      let column = column0 + local.x * 4u + j;
      if (row < params.m && column < params.n) {
        let at = (params.yOffset4 + row * params.yStride4) * 4u + column;
        var value = params.scale * acc[i * 4u + j];
        if (BIAS) {
          value += bias[params.firstColumn4 * 4u + column];
        }
        if (ADD == 1u) {
          value += y[at];
        }
        if (ADD == 2u) {
          value += addend[(params.addendOffset4 + row * params.addendStride4) * 4u + column];
        }
        y[at] = value;
      }
    }
  }
}
