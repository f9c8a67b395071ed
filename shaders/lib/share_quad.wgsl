// The four invocations of a subgroup read a quarter of the rows each and hand them to the others. For adapters whose
// subgroups are four wide. Where a CPU plays the GPU a load costs as much as several products, a shuffle next to nothing.
enable subgroups;
const SHARE: u32 = 4u;

/** Place of this invocation among the four of its workgroup, as the subgroup counts them. */
fn lane_index(local: u32) -> u32 {
  return subgroupExclusiveAdd(1u);
}

/** The value of another lane. All four must come here together. */
fn from_lane(value: vec4f, lane: u32) -> vec4f {
  return subgroupShuffle(value, lane);
}
