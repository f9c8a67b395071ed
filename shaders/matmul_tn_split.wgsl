// g[i, j] += scale * sum_t p[t, i] q[t, j], the gradient of a small factor, summed over tokens in a fixed order.
// Workgroup variant for GPUs. The outputs are too few to occupy one, so tokens are split: 64 lanes take every 64th token
// each, 8 x 8 outputs to an invocation, and are added up through workgroup memory. Neighbours make neighbouring blocks of
// 8 x 8, so that they read whole stretches of a row.
// Same interface and requirements as matmul_tn.wgsl.
// import lib/grid.wgsl
// import lib/lane_sum.wgsl
// import lib/matmul_tn_interface.wgsl
const LANES: u32 = 64u;
const GROUPS: u32 = 4u;
/** Blocks of a workgroup above each other: 1, 2 or 4; so many times fewer side by side. */
const BLOCK_ROWS: u32 = 2u; // spec
const BLOCK_COLUMNS: u32 = GROUPS / BLOCK_ROWS;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let block = index % GROUPS;
  let lane = index / GROUPS;
  // Rows and columns beyond the last are read again, and not written.
  let row4 = (grid_row(group, groups, 1u) * BLOCK_ROWS + block / BLOCK_COLUMNS) * 2u;
  let column4 = (group.x * BLOCK_COLUMNS + block % BLOCK_COLUMNS) * 2u;
  var p0At = params.pOffset4 + min(row4, params.i4 - 1u) + lane * params.pStride4;
  var p1At = params.pOffset4 + min(row4 + 1u, params.i4 - 1u) + lane * params.pStride4;
  var q0At = params.qOffset4 + min(column4, params.j4 - 1u) + lane * params.qStride4;
  var q1At = params.qOffset4 + min(column4 + 1u, params.j4 - 1u) + lane * params.qStride4;
  // Of row r and columns 4*c .. 4*c+3: r * 2 + c.
  var acc: array<vec4f, 16>; // registers
  for (var t = lane; t < params.tokens; t += LANES) {
    let p0 = p[p0At];
    let p1 = p[p1At];
    let q0 = q[q0At];
    let q1 = q[q1At];
    for (var e = 0u; e < 4u; e++) { // unroll
      acc[e * 2] += p0[e] * q0;
      acc[e * 2 + 1] += p0[e] * q1;
      acc[e * 2 + 8] += p1[e] * q0;
      acc[e * 2 + 9] += p1[e] * q1;
    }
    p0At += LANES * params.pStride4;
    p1At += LANES * params.pStride4;
    q0At += LANES * params.qStride4;
    q1At += LANES * params.qStride4;
  }
  for (var part = 0u; part < 4u; part++) { // unroll
    let sum = lane_sum4(acc[part * 4], acc[part * 4 + 1], acc[part * 4 + 2], acc[part * 4 + 3], lane, block);
    let row = row4 * 4u + part * 2u + lane / 2u;
    let column = column4 + lane % 2u;
    if (lane < 4u && row < params.i4 * 4u && column < params.j4) {
      g[params.gOffset4 + row * params.j4 + column] += params.scale * sum;
    }
  }
}
