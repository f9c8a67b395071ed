// logp[l] = logits[row[l] - rowOffset, target[l]] / T - logZ[row[l]] for the labels of one chunk of rows.
// labels u32 [L, 2] = row, target; stats f32 [R, 3] = logZ, H, id; logp f32 [L].
// import lib/grid.wgsl

struct Params {
  first: u32,
  count: u32,
  stride: u32,
  rowOffset: u32,
  inverseTemperature: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<vec2u>;
@group(0) @binding(2) var<storage, read> stats: array<f32>;
@group(0) @binding(3) var<storage, read_write> logp: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = flat_index(id, groups, 64u);
  if (at >= params.count) {
    return;
  }
  let l = params.first + at;
  let label = labels[l];
  let value = logits[(label.x - params.rowOffset) * params.stride + label.y];
  logp[l] = value * params.inverseTemperature - stats[label.x * 3u];
}
