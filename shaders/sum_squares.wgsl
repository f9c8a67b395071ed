// partials[g] = sum of x^2 over the g-th of 64 interleaved slices: the first half of a two-step norm.
const SLICES: u32 = 64u;

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var sum = 0.0f;
  for (var i = id.x; i < params.count; i += SLICES) {
    sum += x[i] * x[i];
  }
  if (id.x < SLICES) {
    partials[id.x] = sum;
  }
}
