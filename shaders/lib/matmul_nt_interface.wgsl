// What the variants of matmul_nt share: sizes, strides and buffers. w may be a part of the matrix: its first output column
// is column 4*firstColumn4 of bias (offsets of y and addend count it already). The kernel says what an `Output` is: f32 or vec4f.
struct Params {
  m: u32,
  n: u32,
  k4: u32,
  xStride4: u32,
  xOffset4: u32,
  wOffset4: u32,
  yStride4: u32,
  yOffset4: u32,
  addendStride4: u32,
  firstColumn4: u32,
  addendOffset4: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<Stored4>;
@group(0) @binding(2) var<storage, read> bias: array<Output>;
@group(0) @binding(3) var<storage, read> addend: array<Output>;
@group(0) @binding(4) var<storage, read_write> y: array<Output>;
@group(0) @binding(5) var<uniform> params: Params;
