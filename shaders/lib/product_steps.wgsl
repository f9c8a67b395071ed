// Statements of the tile kernels: adds 16 steps of the tiles to acc, rows 4*y .. and 4*(y + THREADS_Y) .. by two vectors of
// columns: row r and column vector c are acc[r * 2 + c].
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
