// x[t] = features[imageRow[t]] where imageRow[t] >= 0, else w[id[t]].
// One dispatch for each part of the embedding: it writes the tokens whose id lies there; the first one the pictures too.
// id u32 [T]; imageRow i32 [T]; w [rows of the part, C] in its storage type; features f32 [rows, C]; x f32 [T, C].
// import lib/decode_f32.wgsl
// import lib/grid.wgsl

struct Params {
  tokens: u32,
  c4: u32,
  wOffset4: u32,
  firstRow: u32,
  rows: u32,
}

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> imageRow: array<i32>;
@group(0) @binding(2) var<storage, read> w: array<Stored4>;
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
    if (params.firstRow == 0u) {
      x[t * params.c4 + c] = features[u32(row) * params.c4 + c];
    }
    return;
  }
  // Unsigned: an id before this part wraps around and lies beyond it.
  let own = ids[t] - params.firstRow;
  if (own < params.rows) {
    x[t * params.c4 + c] = weight4(params.wOffset4 + own * params.c4 + c);
  }
}
