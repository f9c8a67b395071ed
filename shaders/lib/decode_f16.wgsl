// Four consecutive weights stored as float16, two to a u32; unpack2x16float is core WGSL.
alias Stored4 = vec2u;

/** Weights 4*at .. 4*at+3 of the buffer `w`. */
fn weight4(at: u32) -> vec4f {
  let raw = w[at];
  return vec4f(unpack2x16float(raw.x), unpack2x16float(raw.y));
}
