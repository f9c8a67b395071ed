// Per logits row: logZ = log sum_v exp(l_v / T), entropy H = logZ - sum_v p_v l_v / T, and the first id of the largest
// logit. LANES invocations share a row.
// logits f32 [rows, stride], V columns are live; stats f32 [rowOffset + rows, 3] = logZ, H, id (exact below 2^24).
// import lib/exp.wgsl
// import lib/grid.wgsl
// import lib/row_reduce.wgsl

struct Params {
  rows: u32,
  vocab: u32,
  stride: u32,
  rowOffset: u32,
  inverseTemperature: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> stats: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let row = flat_index(group, groups, 1u) * ROWS + local.y;
  let base = min(row, params.rows - 1u) * params.stride;
  var highest = -3.0e38f;
  var first = local.x;
  for (var v = local.x; v < params.vocab; v += LANES) {
    let value = logits[base + v];
    if (value > highest) {
      highest = value;
      first = v;
    }
  }
  let top = row_max(highest, local.x, local.y);
  // The smallest id among the lanes that hold the top, as the largest negated one.
  let best = -row_max(select(-3.0e38f, -f32(first), highest == top), local.x, local.y);
  var sum = 0.0f;
  var weighted = 0.0f;
  for (var v = local.x; v < params.vocab; v += LANES) {
    let z = (logits[base + v] - top) * params.inverseTemperature;
    let e = exact_exp(z);
    // The largest term is 1: added first it would swallow the small ones, always in the same direction.
    sum += select(e, 0.0f, v == u32(best));
    weighted += e * z;
  }
  let total = 1.0f + row_sum(sum, local.x, local.y);
  let mean = row_sum(weighted, local.x, local.y) / total;
  if (local.x == 0u && row < params.rows) {
    let at = (params.rowOffset + row) * 3u;
    stats[at] = top * params.inverseTemperature + log(total);
    stats[at + 1u] = log(total) - mean;
    stats[at + 2u] = best;
  }
}
