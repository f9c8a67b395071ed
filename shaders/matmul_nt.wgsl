// y[m, n] = scale * sum_k x[m, k] w[n, k]  (+ bias[n])  (+ y[m, n] or addend[m, n])
// Register variant for software adapters: each invocation makes ROWS x COLS outputs and uses no workgroup memory.
// x f32 [M, K] by stride and offset; w [N, K] in its storage type; y f32 [M, N] by stride and offset.
// K, strides and offsets of x and w are multiples of 4.
// import lib/decode_f32.wgsl
const ROWS: u32 = 8u; // spec
const COLS: u32 = 8u; // spec
const ADD: u32 = 0u; // spec 0: write, 1: add to y, 2: add the addend
const BIAS: bool = false; // spec

struct Params {
  m: u32,
  n: u32,
  k4: u32,
  xStride4: u32,
  xOffset4: u32,
  wOffset4: u32,
  yStride: u32,
  yOffset: u32,
  addendStride: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<Stored4>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> addend: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(4, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column0 = id.x * COLS;
  let row0 = id.y * ROWS;
  if (column0 >= params.n || row0 >= params.m) {
    return;
  }
  var xAt: array<u32, ROWS>; // registers
  var wAt: array<u32, COLS>; // registers
  var acc: array<f32, ROWS * COLS>; // registers
  for (var i = 0u; i < ROWS; i++) { // unroll
    xAt[i] = params.xOffset4 + min(row0 + i, params.m - 1u) * params.xStride4;
  }
  for (var j = 0u; j < COLS; j++) { // unroll
    wAt[j] = params.wOffset4 + min(column0 + j, params.n - 1u) * params.k4;
  }
  for (var k = 0u; k < params.k4; k++) {
    var wv: array<vec4f, COLS>; // registers
    for (var j = 0u; j < COLS; j++) { // unroll
      wv[j] = decode4(w[wAt[j] + k]);
    }
    for (var i = 0u; i < ROWS; i++) { // unroll
      let xv = x[xAt[i] + k];
      for (var j = 0u; j < COLS; j++) { // unroll
        acc[i * COLS + j] += dot(xv, wv[j]);
      }
    }
  }
  for (var i = 0u; i < ROWS; i++) { // unroll
    for (var j = 0u; j < COLS; j++) { // unroll
      let row = row0 + i;
      let column = column0 + j;
      if (row < params.m && column < params.n) {
        let at = params.yOffset + row * params.yStride + column;
        var value = params.scale * acc[i * COLS + j];
        if (BIAS) {
          value += bias[column];
        }
        if (ADD == 1u) {
          value += y[at];
        }
        if (ADD == 2u) {
          value += addend[row * params.addendStride + column];
        }
        y[at] = value;
      }
    }
  }
}
