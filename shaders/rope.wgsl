// Rotates the first HEADS heads of every row in place: (a, b) -> (a cos - b sin, b cos + a sin) over the two halves
// of a head (rotate_half). direction -1 is the transpose: the backward pass.
// x f32 [T, stride]; table f32 [rows, D] holds D/2 cosines then D/2 sines; tableRow u32 [T] picks a row.
// One invocation rotates one head of one row.
// import lib/grid.wgsl

struct Params {
  tokens: u32,
  heads: u32,
  headSize: u32,
  stride: u32,
  direction: f32,
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read> tableRow: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(4, 16)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let token = grid_row(id, groups, 16u);
  let head = id.x;
  if (token >= params.tokens || head >= params.heads) {
    return;
  }
  let half = params.headSize / 2u;
  let base = token * params.stride + head * params.headSize;
  let row = tableRow[token] * params.headSize;
  for (var i = 0u; i < half; i++) {
    let c = table[row + i];
    let s = table[row + half + i] * params.direction;
    let a = x[base + i];
    let b = x[base + half + i];
    x[base + i] = a * c - b * s;
    x[base + half + i] = b * c + a * s;
  }
}
