// In place: gu = (g, u) becomes (dg, du) with dg = dh u s (1 + g (1 - s)), du = dh g s, s = sigmoid(g).
// gu f32 [T, 2I]; dh f32 [T, I].
// import lib/grid.wgsl
// import lib/exp.wgsl

struct Params {
  count4: u32,
  i4: u32,
}

@group(0) @binding(0) var<storage, read> dh: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> gu: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = flat_index(id, groups, 64u);
  if (at >= params.count4) {
    return;
  }
  let gAt = at + (at / params.i4) * params.i4;
  let uAt = gAt + params.i4;
  let g = gu[gAt];
  let u = gu[uAt];
  let s = 1.0f / (1.0f + exact_exp4(-g));
  gu[gAt] = dh[at] * u * s * (1.0f + g * (1.0f - s));
  gu[uAt] = dh[at] * g * s;
}
