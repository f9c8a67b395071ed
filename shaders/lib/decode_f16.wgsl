// Four consecutive weights stored as float16, two to a u32; unpack2x16float is core WGSL.
alias Stored4 = vec2u;

fn decode4(raw: Stored4) -> vec4f {
  return vec4f(unpack2x16float(raw.x), unpack2x16float(raw.y));
}
