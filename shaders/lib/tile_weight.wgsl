// How a kernel that goes through workgroup memory decodes weights: as any other.

/** To be called by all of a workgroup, before the first weight is decoded. */
fn prepare_weights(index: u32) {}

/** Weights 4*at .. 4*at+3 of the buffer `w`. */
fn tile_weight4(at: u32) -> vec4f {
  return weight4(at);
}
