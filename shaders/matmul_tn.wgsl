// g[i, j] += scale * sum_t p[t, i] q[t, j], the gradient of a small factor, summed over tokens in a fixed order.
// p f32 [T, I] and q f32 [T, J] by stride and offset; g f32 [I, J] dense at an offset. All multiples of 4.
// One invocation makes 4 x 4*COLS4 outputs.
// import lib/grid.wgsl
// import lib/matmul_tn_interface.wgsl
const COLS4: u32 = 2u; // spec

@compute @workgroup_size(4, 4)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let column0 = id.x * COLS4;
  let row4 = grid_row(id, groups, 4u);
  if (column0 >= params.j4 || row4 >= params.i4) {
    return;
  }
  var columns: array<u32, COLS4>; // registers
  var acc: array<vec4f, 4 * COLS4>; // registers
  for (var c = 0u; c < COLS4; c++) { // unroll
    columns[c] = params.qOffset4 + min(column0 + c, params.j4 - 1u);
  }
  for (var t = 0u; t < params.tokens; t++) {
    let pv = p[params.pOffset4 + t * params.pStride4 + row4];
    for (var c = 0u; c < COLS4; c++) { // unroll
      let qv = q[t * params.qStride4 + columns[c]];
      for (var e = 0u; e < 4u; e++) { // unroll
        acc[e * COLS4 + c] += pv[e] * qv;
      }
    }
  }
  for (var e = 0u; e < 4u; e++) { // unroll
    for (var c = 0u; c < COLS4; c++) { // unroll
      if (column0 + c < params.j4) {
        let at = params.gOffset4 + (row4 * 4u + e) * params.j4 + column0 + c;
        g[at] += params.scale * acc[e * COLS4 + c];
      }
    }
  }
}
