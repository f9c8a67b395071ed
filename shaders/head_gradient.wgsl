// Overwrites logits with the gradient of sum_l (c_l logp_l) + sum_l (e_l H):
//   dz_v = [ sum_l c_l 1[v = y_l] - C p_v - E p_v (log p_v + H) ] / T,  C, E = sums of c, e over the row's labels.
// Columns from V up to the stride become 0. One invocation: LANES share a row; the labels of row r are
// labelStart[r] .. labelStart[r + 1] - 1, added in that order by one invocation.
// logits f32 [rows, stride]; stats f32 [R, 3] = logZ, H, id; labels u32 [L, 2]; coefficients f32 [L, 2] = c, e.
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

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> stats: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<vec2u>;
@group(0) @binding(3) var<storage, read> coefficients: array<vec2f>;
@group(0) @binding(4) var<storage, read> labelStart: array<u32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let row = flat_index(group, groups, 1u) * ROWS + local.y;
  let live = row < params.rows;
  let safe = min(row, params.rows - 1u);
  let global = params.rowOffset + safe;
  let base = safe * params.stride;
  let logZ = stats[global * 3u];
  let entropy = stats[global * 3u + 1u];
  var totals = vec2f();
  for (var l = labelStart[global]; l < labelStart[global + 1u]; l++) {
    totals += coefficients[l];
  }
  if (live) {
    for (var v = local.x; v < params.stride; v += LANES) {
      let logP = logits[base + v] * params.inverseTemperature - logZ;
      let p = exact_exp(logP);
      let dz = -p * (totals.x + totals.y * (logP + entropy)) * params.inverseTemperature;
      logits[base + v] = select(0.0f, dz, v < params.vocab);
    }
  }
  storageBarrier();
  if (live && local.x == 0u) {
    for (var l = labelStart[global]; l < labelStart[global + 1u]; l++) {
      logits[base + labels[l].y] += coefficients[l].x * params.inverseTemperature;
    }
  }
}
