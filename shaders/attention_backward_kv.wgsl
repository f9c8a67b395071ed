// dv[j] = sum p dO,  dk[j] = scale sum ds q, over the query rows that see key j and the query heads of its key head.
// The rows that see key j are j .. queryEnd[j] - 1 (packing keeps a group contiguous): one interval, no atomics.
// One invocation: one key head of one key row. Buffers as in attention_backward_q.wgsl, which runs first.
// import lib/exp.wgsl
const D4: u32 = 8u; // spec

struct Params {
  rows: u32,
  heads: u32,
  kvHeads: u32,
  stride4: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> dO: array<vec4f>;
@group(0) @binding(2) var<storage, read> queryEnd: array<u32>;
@group(0) @binding(3) var<storage, read> stats: array<f32>;
@group(0) @binding(4) var<storage, read_write> dqkv: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(4, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let kvHead = id.x;
  if (row >= params.rows || kvHead >= params.kvHeads) {
    return;
  }
  let groupSize = params.heads / params.kvHeads;
  let kAt = row * params.stride4 + (params.heads + kvHead) * D4;
  let vAt = kAt + params.kvHeads * D4;
  var kv: array<vec4f, D4>; // registers
  var vv: array<vec4f, D4>; // registers
  var dk: array<vec4f, D4>; // registers
  var dv: array<vec4f, D4>; // registers
  for (var d = 0u; d < D4; d++) { // unroll
    kv[d] = qkv[kAt + d] * params.scale;
    vv[d] = qkv[vAt + d];
  }
  for (var i = row; i < queryEnd[row]; i++) {
    for (var h = kvHead * groupSize; h < (kvHead + 1u) * groupSize; h++) {
      let out = i * params.heads + h;
      let qAt = i * params.stride4 + h * D4;
      var score = 0.0f;
      var dp = 0.0f;
      var qv: array<vec4f, D4>; // registers
      var dOv: array<vec4f, D4>; // registers
      for (var d = 0u; d < D4; d++) { // unroll
        qv[d] = qkv[qAt + d];
        dOv[d] = dO[out * D4 + d];
        score += dot(qv[d], kv[d]);
        dp += dot(dOv[d], vv[d]);
      }
      let p = exact_exp(score - stats[out * 2u]);
      let ds = p * (dp - stats[out * 2u + 1u]);
      for (var d = 0u; d < D4; d++) { // unroll
        dv[d] += p * dOv[d];
        dk[d] += ds * qv[d];
      }
    }
  }
  for (var d = 0u; d < D4; d++) { // unroll
    dqkv[kAt + d] = dk[d] * params.scale;
    dqkv[vAt + d] = dv[d];
  }
}
