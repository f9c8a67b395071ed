// y[m, n] = scale * sum_k x[m, k] w[n, k]  (+ bias[n])  (+ y[m, n] or addend[m, n])
// Workgroup variant for GPUs: a tile of y, K in steps of 16 through workgroup memory, 8 x 8 outputs each.
// Same interface and requirements as matmul_nt.wgsl.
// import lib/decode_f32.wgsl
// import lib/grid.wgsl
// import lib/matmul_nt_interface.wgsl
// import lib/product_tile.wgsl
// import lib/tile_weight.wgsl
const ADD: u32 = 0u; // spec
const BIAS: bool = false; // spec

alias Output = vec4f;

/** Four rows of w at four steps from 4*step4 on, turned: they are columns of y. */
fn load_w(step4: u32, column4: u32, source: vec4u) {
  if (column4 >= WIDTH) {
    return;
  }
  let at = tile_step(step4 * 4u, WIDTH) + column4;
  let steps = transpose(
    mat4x4f(tile_weight4(source.x), tile_weight4(source.y), tile_weight4(source.z), tile_weight4(source.w)),
  );
  wTile[at] = steps[0];
  wTile[at + WIDTH] = steps[1];
  wTile[at + 2u * WIDTH] = steps[2];
  wTile[at + 3u * WIDTH] = steps[3];
}

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
  // Four neighbours read 16 steps of the same rows. Rows beyond the last read it again, and are not written.
  let step4 = index % 4u;
  let place = index / 4u;
  let four = vec4u(0u, 1u, 2u, 3u);
  let xAt = params.xOffset4 + min((row4 + place) * 4u + four, vec4u(params.m - 1u)) * params.xStride4;
  let wAt = params.wOffset4 + min((column4 + place) * 4u + four, vec4u(params.n - 1u)) * params.k4;
  var acc: array<vec4f, 16>; // registers
  let whole = params.k4 / 4u * 4u;
  for (var k0 = 0u; k0 < whole; k0 += 4u) {
    let k = k0 + step4;
    load_x(step4, place, xAt + k);
    load_w(step4, place, wAt + k);
    workgroupBarrier();
    // import lib/product_steps.wgsl
    workgroupBarrier();
  }
  // What is left of K: a place beyond it holds what stands at its end, and is not read.
  if (whole < params.k4) {
    let k = min(whole + step4, params.k4 - 1u);
    load_x(step4, place, xAt + k);
    load_w(step4, place, wAt + k);
    workgroupBarrier();
    let rest = (params.k4 - whole) * 4u;
    // import lib/product_rest.wgsl
  }
  for (var i = 0u; i < 8u; i++) { // unroll
    let row = (row4 + local.y + i / 4u * THREADS_Y) * 4u + i % 4u;
    for (var j = 0u; j < 2u; j++) { // unroll
      let column = column4 + local.x + j * THREADS_X;
      if (row < params.m && column * 4u < params.n) {
        let at = params.yOffset4 + row * params.yStride4 + column;
        var value = params.scale * acc[i * 2 + j];
        if (BIAS) {
          value += bias[params.firstColumn4 + column];
        }
        if (ADD == 1u) {
          value += y[at];
        }
        if (ADD == 2u) {
          value += addend[params.addendOffset4 + row * params.addendStride4 + column];
        }
        y[at] = value;
      }
    }
  }
}
