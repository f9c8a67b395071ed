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

/** Weights 4*at .. 4*at+3 of the buffer `w`. */
fn tile_weight4(at: u32) -> vec4f {
  let codes = w[at >> 1u] >> ((at & 1u) * 16u);
  return scales[at >> 4u] * vec4f(
    nf4Levels[(codes >> 4u) & 15u],
    nf4Levels[codes & 15u],
    nf4Levels[(codes >> 12u) & 15u],
    nf4Levels[(codes >> 8u) & 15u],
  );
}
