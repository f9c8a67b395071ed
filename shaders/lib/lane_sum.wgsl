// Sums over the LANES invocations that share an output, GROUPS such outputs to a workgroup, in a fixed order, through at
// most 16 KiB of workgroup memory. The kernel says what LANES (a multiple of 16) and GROUPS are; together at most 256.
const LANE_PARTS: u32 = LANES / 4u;

var<workgroup> lane_values: array<vec4f, 4u * GROUPS * LANES>;

/**
 * Sums of four values over the lanes of each group: lane l < 4 gets that of the l-th value, the others nothing of use.
 * All invocations of the workgroup must come here together.
 */
fn lane_sum4(a: vec4f, b: vec4f, c: vec4f, d: vec4f, lane: u32, group: u32) -> vec4f {
  let own = group * LANES + lane;
  lane_values[own] = a;
  lane_values[GROUPS * LANES + own] = b;
  lane_values[2u * GROUPS * LANES + own] = c;
  lane_values[3u * GROUPS * LANES + own] = d;
  workgroupBarrier();
  // A quarter of the lanes for each value, four lanes' values each.
  let at = (lane / LANE_PARTS * GROUPS + group) * LANES + lane % LANE_PARTS;
  // Nobody else reads this place before the barrier.
  lane_values[at] = (lane_values[at] + lane_values[at + LANE_PARTS])
    + (lane_values[at + 2u * LANE_PARTS] + lane_values[at + 3u * LANE_PARTS]);
  workgroupBarrier();
  var total = vec4f();
  if (lane < 4u) {
    for (var part = 0u; part < LANE_PARTS; part++) {
      total += lane_values[(lane * GROUPS + group) * LANES + part];
    }
  }
  workgroupBarrier();
  return total;
}
