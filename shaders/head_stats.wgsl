// Per logits row: logZ = log sum_v exp(l_v / T) and entropy H = logZ - sum_v p_v l_v / T.
// logits f32 [rows, stride], V columns are live; stats f32 [rowOffset + rows, 2]. LANES invocations share a row.
// import lib/exp.wgsl
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
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = group.x * ROWS + local.y;
  let base = min(row, params.rows - 1u) * params.stride;
  var highest = -3.0e38f;
  for (var v = local.x; v < params.vocab; v += LANES) {
    highest = max(highest, logits[base + v]);
  }
  let top = row_max(highest, local.x, local.y);
  var sum = 0.0f;
  var weighted = 0.0f;
  for (var v = local.x; v < params.vocab; v += LANES) {
    let z = (logits[base + v] - top) * params.inverseTemperature;
    let e = exact_exp(z);
    sum += e;
    weighted += e * z;
  }
  let total = row_sum(sum, local.x, local.y);
  let mean = row_sum(weighted, local.x, local.y) / total;
  if (local.x == 0u && row < params.rows) {
    let at = (params.rowOffset + row) * 2u;
    stats[at] = top * params.inverseTemperature + log(total);
    stats[at + 1u] = log(total) - mean;
  }
}
