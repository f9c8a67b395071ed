// y[r] = x[row[r]]: x f32 [T, C]; row u32 [R]; y f32 [R, C].
// import lib/grid.wgsl

struct Params {
  rows: u32,
  c4: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> row: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let r = grid_row(id, groups, 8u);
  if (id.x < params.c4 && r < params.rows) {
    y[r * params.c4 + id.x] = x[row[r] * params.c4 + id.x];
  }
}
