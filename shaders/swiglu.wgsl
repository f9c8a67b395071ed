// h[t, i] = silu(g[t, i]) * u[t, i]; gu f32 [T, 2I] holds g then u; h f32 [T, I].
// import lib/grid.wgsl
// import lib/exp.wgsl

struct Params {
  count4: u32,
  i4: u32,
}

@group(0) @binding(0) var<storage, read> gu: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> h: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = flat_index(id, groups, 64u);
  if (at >= params.count4) {
    return;
  }
  let row = at / params.i4;
  let gAt = at + row * params.i4;
  let g = gu[gAt];
  h[at] = g / (1.0f + exact_exp4(-g)) * gu[gAt + params.i4];
}
