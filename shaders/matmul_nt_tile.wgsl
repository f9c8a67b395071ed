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
fn put_w(step4: u32, column4: u32, c0: vec4f, c1: vec4f, c2: vec4f, c3: vec4f) {
  let at = tile_step(step4 * 4u, WIDTH) + column4;
  wTile[at] = vec4f(c0.x, c1.x, c2.x, c3.x);
  wTile[at + WIDTH] = vec4f(c0.y, c1.y, c2.y, c3.y);
  wTile[at + 2u * WIDTH] = vec4f(c0.z, c1.z, c2.z, c3.z);
  wTile[at + 3u * WIDTH] = vec4f(c0.w, c1.w, c2.w, c3.w);
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
  var xAt: array<u32, 4>; // registers
  var wAt: array<u32, 4>; // registers
  for (var i = 0u; i < 4u; i++) { // unroll
    xAt[i] = params.xOffset4 + min((row4 + place) * 4u + i, params.m - 1u) * params.xStride4;
    wAt[i] = params.wOffset4 + min((column4 + place) * 4u + i, params.n - 1u) * params.k4;
  }
  var acc: array<vec4f, 16>; // registers
  let whole = params.k4 / 4u * 4u;
  for (var k0 = 0u; k0 < whole; k0 += 4u) {
    let k = k0 + step4;
    if (place < HEIGHT) {
      put_x(step4, place, x[xAt[0] + k], x[xAt[1] + k], x[xAt[2] + k], x[xAt[3] + k]);
    }
    if (place < WIDTH) {
      put_w(
        step4,
        place,
        tile_weight4(wAt[0] + k),
        tile_weight4(wAt[1] + k),
        tile_weight4(wAt[2] + k),
        tile_weight4(wAt[3] + k),
      );
    }
    workgroupBarrier();
    for (var step = 0u; step < 16u; step++) { // unroll
      let x0 = xTile[step * HEIGHT + step / 4u * 2u + local.y];
      let x1 = xTile[step * HEIGHT + step / 4u * 2u + local.y + THREADS_Y];
      let w0 = wTile[step * WIDTH + step / 4u * 2u + local.x];
      let w1 = wTile[step * WIDTH + step / 4u * 2u + local.x + THREADS_X];
      for (var i = 0u; i < 4u; i++) { // unroll
        acc[i * 2] += x0[i] * w0;
        acc[i * 2 + 1] += x0[i] * w1;
        acc[i * 2 + 8] += x1[i] * w0;
        acc[i * 2 + 9] += x1[i] * w1;
      }
    }
    workgroupBarrier();
  }
  // What is left of K: a place beyond it holds what stands at its end, and is not read.
  if (whole < params.k4) {
    let k = min(whole + step4, params.k4 - 1u);
    if (place < HEIGHT) {
      put_x(step4, place, x[xAt[0] + k], x[xAt[1] + k], x[xAt[2] + k], x[xAt[3] + k]);
    }
    if (place < WIDTH) {
      put_w(
        step4,
        place,
        tile_weight4(wAt[0] + k),
        tile_weight4(wAt[1] + k),
        tile_weight4(wAt[2] + k),
        tile_weight4(wAt[3] + k),
      );
    }
    workgroupBarrier();
    for (var step = 0u; step < (params.k4 - whole) * 4u; step++) {
      let x0 = xTile[step * HEIGHT + step / 4u * 2u + local.y];
      let x1 = xTile[step * HEIGHT + step / 4u * 2u + local.y + THREADS_Y];
      let w0 = wTile[step * WIDTH + step / 4u * 2u + local.x];
      let w1 = wTile[step * WIDTH + step / 4u * 2u + local.x + THREADS_X];
      for (var i = 0u; i < 4u; i++) { // unroll
        acc[i * 2] += x0[i] * w0;
        acc[i * 2 + 1] += x0[i] * w1;
        acc[i * 2 + 8] += x1[i] * w0;
        acc[i * 2 + 9] += x1[i] * w1;
      }
    }
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
