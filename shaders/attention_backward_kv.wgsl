// dv[j] = sum p dO,  dk[j] = scale sum ds q, over the query rows that see key j and the query heads of its key head.
// The rows that see key j are j .. queryEnd[j] - 1 (packing keeps a group contiguous): one interval, no atomics.
// One invocation: one key head of KEYS neighbouring key rows, which share the loads of q and dO. Buffers as in attention_backward_q.wgsl, which runs first.
// import lib/exp.wgsl
// import lib/attention_backward_kv_interface.wgsl
const D4: u32 = 8u; // spec
const KEYS: u32 = 1u; // spec

// Neighbours take neighbouring rows of one head: however few heads there are, no lane idles.
@compute @workgroup_size(16, 2)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row0 = params.firstRow + id.x * KEYS;
  let kvHead = id.y;
  if (row0 >= params.endRow || kvHead >= params.kvHeads) {
    return;
  }
  let groupSize = params.heads / params.kvHeads;
  var kAt: array<u32, KEYS>; // registers
  var until: array<u32, KEYS>; // registers
  var kv: array<vec4f, KEYS * D4>; // registers
  var vv: array<vec4f, KEYS * D4>; // registers
  var dk: array<vec4f, KEYS * D4>; // registers
  var dv: array<vec4f, KEYS * D4>; // registers
  var last = 0u;
  for (var j = 0u; j < KEYS; j++) { // unroll
    let row = min(row0 + j, params.rows - 1u);
    kAt[j] = row * params.stride4 + (params.heads + kvHead) * D4;
    until[j] = queryEnd[row];
    last = max(last, until[j]);
    for (var d = 0u; d < D4; d++) { // unroll
      kv[j * D4 + d] = qkv[kAt[j] + d] * params.scale;
      vv[j * D4 + d] = qkv[kAt[j] + params.kvHeads * D4 + d];
    }
  }
  for (var i = row0; i < last; i++) {
    for (var h = kvHead * groupSize; h < (kvHead + 1u) * groupSize; h++) {
      let out = i * params.heads + h;
      let qAt = i * params.stride4 + h * D4;
      var score: array<f32, KEYS>; // registers
      var dp: array<f32, KEYS>; // registers
      var qv: array<vec4f, D4>; // registers
      var dOv: array<vec4f, D4>; // registers
      for (var d = 0u; d < D4; d++) { // unroll
        qv[d] = qkv[qAt + d];
        dOv[d] = dO[out * D4 + d];
        for (var j = 0u; j < KEYS; j++) { // unroll
          score[j] += dot(qv[d], kv[j * D4 + d]);
          dp[j] += dot(dOv[d], vv[j * D4 + d]);
        }
      }
      for (var j = 0u; j < KEYS; j++) { // unroll
        let sees = i >= row0 + j && i < until[j];
        let p = select(0.0f, exact_exp(score[j] - stats[out * 2u]), sees);
        let ds = p * (dp[j] - stats[out * 2u + 1u]);
        for (var d = 0u; d < D4; d++) { // unroll
          dv[j * D4 + d] += p * dOv[d];
          dk[j * D4 + d] += ds * qv[d];
        }
      }
    }
  }
  for (var j = 0u; j < KEYS; j++) { // unroll
    if (row0 + j < params.rows) {
      for (var d = 0u; d < D4; d++) { // unroll
        dqkv[kAt[j] + d] = dk[j * D4 + d] * params.scale;
        dqkv[kAt[j] + params.kvHeads * D4 + d] = dv[j * D4 + d];
      }
    }
  }
}
