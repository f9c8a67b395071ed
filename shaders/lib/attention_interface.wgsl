// What the variants of attention share: sizes, strides and buffers.
struct Params {
  firstRow: u32,
  rows: u32,
  heads: u32,
  kvHeads: u32,
  qStride4: u32,
  qOffset4: u32,
  kvStride4: u32,
  kOffset4: u32,
  vOffset4: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> ranges: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> stats: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;
