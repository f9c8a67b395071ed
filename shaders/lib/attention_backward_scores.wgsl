// Statements of attention's backward tile kernels, of all invocations: score[0 .. 15] = q . k and score[16 .. 31] = dO . v,
// rows sy + 16 i by keys 4 sx + j, of the tile rows from `first` (before `end`) and the KEYS keys from `scoreKey` (up to
// `lastKey`) of key head kvHead. qkv, dO and params are the kernel's.
var score: array<f32, 32>; // registers
for (var part = 0u; part < 2u; part++) { // unroll
  for (var d0 = 0u; d0 < D4; d0 += SLICE4) {
    for (var n = 0u; n < (64u * SLICE4 + LANES - 1u) / LANES; n++) { // unroll
      let i = n * LANES + index;
      if ((n + 1u) * LANES <= TILE * SLICE4 || i < TILE * SLICE4) {
        let r = min(first + i / SLICE4, end - 1u);
        let d = d0 + i % SLICE4;
        if (part == 0u) {
          pool[i / SLICE4 * STRIDE + i % SLICE4] =
            qkv[r / GROUP * params.stride4 + (kvHead * GROUP + r % GROUP) * D4 + d];
        } else {
          pool[i / SLICE4 * STRIDE + i % SLICE4] = dO[head_of(r, kvHead) * D4 + d];
        }
      }
    }
    for (var n = 0u; n < (32u * SLICE4 + LANES - 1u) / LANES; n++) { // unroll
      let i = n * LANES + index;
      if ((n + 1u) * LANES <= KEYS * SLICE4 || i < KEYS * SLICE4) {
        // Key 4 x + j lies in row 8 j + x: whoever takes keys 4 x .. 4 x + 3 meets its neighbours in other banks.
        let slot = i / SLICE4;
        let j = min(scoreKey + slot % 8u * 4u + slot / 8u, lastKey);
        let head = params.heads + part * params.kvHeads + kvHead;
        pool[KEY_AT + slot * STRIDE + i % SLICE4] = qkv[j * params.stride4 + head * D4 + d0 + i % SLICE4];
      }
    }
    workgroupBarrier();
    if (LANES == 128u || index < 128u) {
      // import lib/attention_dots.wgsl
    }
    workgroupBarrier();
  }
}
