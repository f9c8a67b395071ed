// What the variants of attention_backward_q share: sizes and buffers. Rows firstRow .. rows - 1 are made, of `keys` in all.
struct Params {
  firstRow: u32,
  rows: u32,
  keys: u32,
  heads: u32,
  kvHeads: u32,
  stride4: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> o: array<vec4f>;
@group(0) @binding(2) var<storage, read> dO: array<vec4f>;
@group(0) @binding(3) var<storage, read> ranges: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> stats: array<f32>;
@group(0) @binding(5) var<storage, read_write> dqkv: array<vec4f>;
@group(0) @binding(6) var<uniform> params: Params;
