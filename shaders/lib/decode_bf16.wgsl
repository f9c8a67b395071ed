// Four consecutive weights stored as bfloat16, two to a u32, the earlier one in the low half.
// A bfloat16 is the upper half of a float: shifting decodes it exactly, without the shader-f16 feature.
alias Stored4 = vec2u;

fn decode4(raw: Stored4) -> vec4f {
  return vec4f(
    bitcast<f32>(raw.x << 16u),
    bitcast<f32>(raw.x & 0xffff0000u),
    bitcast<f32>(raw.y << 16u),
    bitcast<f32>(raw.y & 0xffff0000u),
  );
}
