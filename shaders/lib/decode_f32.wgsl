// Four consecutive weights stored as f32.
alias Stored4 = vec4f;

fn decode4(raw: Stored4) -> vec4f {
  return raw;
}
