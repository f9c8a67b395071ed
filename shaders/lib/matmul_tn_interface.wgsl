// What the variants of matmul_tn share: sizes, strides and buffers.
struct Params {
  tokens: u32,
  i4: u32,
  j4: u32,
  pStride4: u32,
  pOffset4: u32,
  qStride4: u32,
  qOffset4: u32,
  gOffset4: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> g: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;
