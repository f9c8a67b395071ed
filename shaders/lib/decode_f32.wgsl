// Four consecutive weights stored as f32.
alias Stored4 = vec4f;

/** Weights 4*at .. 4*at+3 of the buffer `w`. */
fn weight4(at: u32) -> vec4f {
  return w[at];
}
