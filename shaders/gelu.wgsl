// x = 0.5 x (1 + erf(x / sqrt 2)), in place. erf by Abramowitz and Stegun 7.1.26 (absolute error below 1.5e-7).
// import lib/grid.wgsl

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

fn erf(value: f32) -> f32 {
  let size = abs(value);
  let t = 1.0f / (1.0f + 0.3275911f * size);
  let tail = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
  return sign(value) * (1.0f - tail * exp(-size * size));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = flat_index(id, groups, 64u);
  if (at < params.count) {
    x[at] = 0.5f * x[at] * (1.0f + erf(x[at] * 0.70710678118f));
  }
}
