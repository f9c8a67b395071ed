// y = x * keep / (1 - p), or added to y. keep depends on (key, example, token in the example, channel) alone, so that
// any packing of the same tokens draws the same mask. key is made from seed, step, micro-batch, layer and module.
// x, y f32 [T, C]; place u32 [T, 2] = example, index in example.
// import lib/grid.wgsl
// import lib/random.wgsl
const ADD: bool = false; // spec

struct Params {
  tokens: u32,
  channels: u32,
  key0: u32,
  key1: u32,
  p: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> place: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let token = grid_row(id, groups, 8u);
  if (id.x >= params.channels || token >= params.tokens) {
    return;
  }
  let own = threefry2x32(vec2u(params.key0, params.key1), place[token]);
  let keep = unit_float(threefry2x32(own, vec2u(id.x, 0u)).x) >= params.p;
  let at = token * params.channels + id.x;
  var value = select(0.0f, x[at] / (1.0f - params.p), keep);
  if (ADD) {
    value += y[at];
  }
  y[at] = value;
}
