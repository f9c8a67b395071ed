// tile_weight.wgsl for nf4: the levels lie in workgroup memory, each in a bank of its own. A constant array that is
// indexed by data goes through slow memory on a GPU. `w`, `scales` and the levels are decode_nf4.wgsl's.
var<workgroup> nf4Levels: array<f32, 16>;

/** To be called by all of a workgroup, before the first weight is decoded. */
fn prepare_weights(index: u32) {
  if (index < 16u) {
    nf4Levels[index] = NF4_LEVELS[index];
  }
  workgroupBarrier();
}

/** Four weights by their codes, the lower half of a word. */
fn nf4_weights(codes: u32, scale: f32) -> vec4f {
  return scale * vec4f(
    nf4Levels[(codes >> 4u) & 15u],
    nf4Levels[codes & 15u],
    nf4Levels[(codes >> 12u) & 15u],
    nf4Levels[(codes >> 8u) & 15u],
  );
}

/** Weights 4*at .. 4*at+3 of the buffer `w`. */
fn tile_weight4(at: u32) -> vec4f {
  return nf4_weights(w[at >> 1u] >> ((at & 1u) * 16u), scales[at >> 4u]);
}

/** Weights 8*at .. 8*at+7: a word and its scale are read once. */
fn tile_weight8(at: u32) -> mat2x4f {
  let codes = w[at];
  let scale = scales[at >> 3u];
  return mat2x4f(nf4_weights(codes, scale), nf4_weights(codes >> 16u, scale));
}
