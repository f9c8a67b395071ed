// Statements of the tile kernels: product_steps.wgsl for `rest` steps, once behind the loop. Not unrolled: it is not worth
// compiling for long.
for (var step = 0u; step < rest; step++) {
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
