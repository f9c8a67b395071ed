// dq[t, h] = scale sum_j ds k[j],  ds = p (do . v[j] - delta),  p = exp(scale q . k[j] - lse),  delta = do . o
// delta is first taken as do . o and then corrected by what the ds of a row fail to sum to zero: o was made by another
// order of additions, and keys with a common part (their bias) would turn that rounding into an error of dq.
// One invocation: HEADS query heads of one query row of firstRow .. rows - 1; delta is kept in stats for attention_backward_kv.
// qkv f32 [T, stride]: q heads, k heads, v heads; o, dO f32 [T, H*D]; stats f32 [T, H, 2]; dqkv like qkv.
// Written together with k and v in one buffer, so that few bindings suffice.
// import lib/exp.wgsl
// import lib/attention_backward_q_interface.wgsl
const D4: u32 = 8u; // spec
const HEADS: u32 = 1u; // spec

// Neighbours take neighbouring rows of one head: however few heads there are, no lane idles.
@compute @workgroup_size(16, 2)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = params.firstRow + id.x;
  let head0 = id.y * HEADS;
  if (row >= params.rows || head0 >= params.heads) {
    return;
  }
  let kvHead = head0 * params.kvHeads / params.heads;
  let kOffset = (params.heads + kvHead) * D4;
  let vOffset = (params.heads + params.kvHeads + kvHead) * D4;
  var qv: array<vec4f, HEADS * D4>; // registers
  var dOv: array<vec4f, HEADS * D4>; // registers
  var dq: array<vec4f, HEADS * D4>; // registers
  var pk: array<vec4f, HEADS * D4>; // registers sum of p k
  var delta: array<f32, HEADS>; // registers
  var excess: array<f32, HEADS>; // registers sum of ds
  var mass: array<f32, HEADS>; // registers sum of p
  var lse: array<f32, HEADS>; // registers
  for (var h = 0u; h < HEADS; h++) { // unroll
    let out = row * params.heads + head0 + h;
    lse[h] = stats[out * 2u];
    for (var d = 0u; d < D4; d++) { // unroll
      qv[h * D4 + d] = qkv[row * params.stride4 + (head0 + h) * D4 + d] * params.scale;
      dOv[h * D4 + d] = dO[out * D4 + d];
      delta[h] += dot(dOv[h * D4 + d], o[out * D4 + d]);
    }
  }
  let range = ranges[row];
  for (var part = 0u; part < 2u; part++) {
    let start = select(range.x, range.z, part == 1u);
    let end = select(range.y, range.w, part == 1u);
    for (var j = start; j < end; j++) {
      let at = j * params.stride4;
      var kv: array<vec4f, D4>; // registers
      var score: array<f32, HEADS>; // registers
      var dp: array<f32, HEADS>; // registers
      for (var d = 0u; d < D4; d++) { // unroll
        kv[d] = qkv[at + kOffset + d];
        let vv = qkv[at + vOffset + d];
        for (var h = 0u; h < HEADS; h++) { // unroll
          score[h] += dot(qv[h * D4 + d], kv[d]);
          dp[h] += dot(dOv[h * D4 + d], vv);
        }
      }
      for (var h = 0u; h < HEADS; h++) { // unroll
        let p = exact_exp(score[h] - lse[h]);
        let ds = p * (dp[h] - delta[h]);
        mass[h] += p;
        excess[h] += ds;
        for (var d = 0u; d < D4; d++) { // unroll
          dq[h * D4 + d] += ds * kv[d];
          pk[h * D4 + d] += p * kv[d];
        }
      }
    }
  }
  for (var h = 0u; h < HEADS; h++) { // unroll
    let share = select(0.0f, excess[h] / mass[h], mass[h] > 0.0f);
    stats[(row * params.heads + head0 + h) * 2u + 1u] = delta[h] + share;
    for (var d = 0u; d < D4; d++) { // unroll
      let corrected = dq[h * D4 + d] - share * pk[h * D4 + d];
      dqkv[row * params.stride4 + (head0 + h) * D4 + d] = corrected * params.scale;
    }
  }
}
