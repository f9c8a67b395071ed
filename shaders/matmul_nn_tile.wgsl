// y[m, k] = scale * sum_n x[m, n] w[n, k]  (+ y[m, k])
// Workgroup variant for GPUs: a 64 x 64 tile of y, N in steps of 16 through workgroup memory, 4 x 4 outputs each.
// Same interface and requirements as matmul_nn.wgsl.
// import lib/decode_f32.wgsl
// import lib/grid.wgsl
// import lib/matmul_nn_interface.wgsl
const ADD: u32 = 0u; // spec

var<workgroup> xTile: array<f32, 16 * 68>; // [n of the step][row]
var<workgroup> wTile: array<vec4f, 16 * 17>; // [n of the step][column / 4]

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let row0 = grid_row(group, groups, 1u) * 64u;
  let column0 = group.x * 16u;
  let xRow = index / 4u;
  let xAt = params.xOffset4 + min(row0 + xRow, params.m - 1u) * params.xStride4;
  let wColumn = params.wOffset4 + min(column0 + index % 16u, params.k4 - 1u);
  let n4 = (params.n + 3u) / 4u;
  var acc: array<vec4f, 4>; // registers
  for (var n0 = 0u; n0 < params.n; n0 += 16u) {
    let at = n0 / 4u + index % 4u;
    let xv = select(vec4f(), x[xAt + min(at, n4 - 1u)], at < n4);
    for (var e = 0u; e < 4u; e++) { // unroll
      xTile[((index % 4u) * 4u + e) * 68u + xRow] = xv[e];
    }
    let wRow = min(n0 + index / 16u, params.n - 1u);
    wTile[(index / 16u) * 17u + index % 16u] = weight4(wRow * params.k4 + wColumn);
    workgroupBarrier();
    for (var step = 0u; step < 16u; step++) {
      let b = wTile[step * 17u + local.x];
      for (var i = 0u; i < 4u; i++) { // unroll
        acc[i] += xTile[step * 68u + local.y * 4u + i] * b;
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) { // unroll
    let row = row0 + local.y * 4u + i;
    let column = column0 + local.x;
    if (row < params.m && column < params.k4) {
      let at = params.yOffset4 + row * params.yStride4 + column;
      var value = params.scale * acc[i];
      if (ADD == 1u) {
        value += y[at];
      }
      y[at] = value;
    }
  }
}
