// What the variants of matmul_nn share: sizes, strides and buffers.
struct Params {
  m: u32,
  n: u32,
  k4: u32,
  xStride4: u32,
  xOffset4: u32,
  wOffset4: u32,
  yStride4: u32,
  yOffset4: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;
