// y[row[r], yOffset + c] = x[r, xOffset + c]: the inverse of a gather; rows must differ.
// x f32 [R, xStride]; y f32 [T, yStride]; row u32 [R]; c < C. Strides and offsets are multiples of 4.
// import lib/grid.wgsl

struct Params {
  rows: u32,
  c4: u32,
  xStride4: u32,
  xOffset4: u32,
  yStride4: u32,
  yOffset4: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> row: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let r = grid_row(id, groups, 8u);
  if (id.x < params.c4 && r < params.rows) {
    let to = row[r] * params.yStride4 + params.yOffset4 + id.x;
    y[to] = x[r * params.xStride4 + params.xOffset4 + id.x];
  }
}
