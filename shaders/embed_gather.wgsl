// x[t] = features[imageRow[t]] where imageRow[t] >= 0, else embedding[id[t]].
// id u32 [T]; imageRow i32 [T]; embedding [V, C] in its storage type; features f32 [rows, C]; x f32 [T, C].
// import lib/decode_f32.wgsl
// import lib/grid.wgsl

struct Params {
  tokens: u32,
  c4: u32,
}

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> imageRow: array<i32>;
@group(0) @binding(2) var<storage, read> embedding: array<Stored4>;
@group(0) @binding(3) var<storage, read> features: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.x;
  let t = grid_row(id, groups, 8u);
  if (c >= params.c4 || t >= params.tokens) {
    return;
  }
  let row = imageRow[t];
  if (row >= 0) {
    x[t * params.c4 + c] = features[u32(row) * params.c4 + c];
  } else {
    x[t * params.c4 + c] = decode4(embedding[ids[t] * params.c4 + c]);
  }
}
