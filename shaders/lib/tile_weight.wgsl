// How kernels that go through workgroup memory decode weights: as all others do.

/** To be called by all of a workgroup, before the first weight is decoded. */
fn prepare_weights(index: u32) {}

/** Weights 4*at .. 4*at+3 of the buffer `w`. */
fn tile_weight4(at: u32) -> vec4f {
  return weight4(at);
}

/** Weights 8*at .. 8*at+7. */
fn tile_weight8(at: u32) -> mat2x4f {
  return mat2x4f(weight4(at * 2u), weight4(at * 2u + 1u));
}
