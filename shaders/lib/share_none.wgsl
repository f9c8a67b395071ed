// Every invocation reads all its rows itself: works on any adapter.
const SHARE: u32 = 1u;

/** Place of this invocation among the four of its workgroup. */
fn lane_index(local: u32) -> u32 {
  return local;
}

fn from_lane(value: vec4f, lane: u32) -> vec4f {
  return value;
}
