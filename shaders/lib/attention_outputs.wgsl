// Statements of attention's tile kernels by query row: adds to acc, rows ROWS vy + i by vec4 columns vx + (D4 / COLUMNS) c, what
// OUT_ROWS rows of the pool weigh, from key `key0` of the KEYS on.
for (var key4 = 0u; key4 < OUT_ROWS / 4u; key4++) { // unroll
  var weight: array<vec4f, ROWS>; // registers
  for (var i = 0u; i < ROWS; i++) { // unroll
    weight[i] = pool[(vy * ROWS + i) * WEIGHT_STRIDE + key0 / 4u + key4];
  }
  for (var e = 0u; e < 4u; e++) { // unroll
    for (var c = 0u; c < COLUMNS; c++) { // unroll
      let value = pool[OUT_AT + (key4 * 4u + e) * D4 + vx + c * (D4 / COLUMNS)];
      for (var i = 0u; i < ROWS; i++) { // unroll
        acc[i * COLUMNS + c] += weight[i][e] * value;
      }
    }
  }
}
