// Statements of attention's tile kernels: adds what a slice has of the scores, rows sy + 16 i by keys 4 sx + j, to
// score[16 part + 4 i + j].
for (var d = 0u; d < SLICE4; d++) { // unroll
  var a: array<vec4f, 4>; // registers
  for (var i = 0u; i < 4u; i++) { // unroll
    a[i] = pool[(sy + i * 16u) * STRIDE + d];
  }
  for (var j = 0u; j < 4u; j++) { // unroll
    let b = pool[KEY_AT + (j * 8u + sx) * STRIDE + d];
    for (var i = 0u; i < 4u; i++) { // unroll
      score[part * 16u + i * 4u + j] = add_dot(score[part * 16u + i * 4u + j], a[i], b);
    }
  }
}
