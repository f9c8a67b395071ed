// Four consecutive weights stored as bfloat16, two to a u32, the earlier one in the low half.
// A bfloat16 is the upper half of a float: shifting decodes it exactly, without the shader-f16 feature.
alias Stored4 = vec2u;

/** Weights 4*at .. 4*at+3 of the buffer `w`. */
fn weight4(at: u32) -> vec4f {
  let raw = w[at];
  return vec4f(
    bitcast<f32>(raw.x << 16u),
    bitcast<f32>(raw.x & 0xffff0000u),
    bitcast<f32>(raw.y << 16u),
    bitcast<f32>(raw.y & 0xffff0000u),
  );
}
