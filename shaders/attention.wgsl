// o[t, h] = sum_j softmax_j(scale q[t, h] . k[j, g(h)]) v[j, g(h)] over the keys of the row's two ranges;
// lse[t, h] = log sum_j exact_exp(score). Online softmax, KEYS keys at a time; nothing of size T x T exists.
// One invocation: HEADS neighbouring query heads that share one key head, for one query row of firstRow .. rows - 1.
// q f32 [Tq, qStride] and k, v f32 [Tk, kvStride] by offset; ranges u32 [Tq, 4] = prefix start, end, segment start, end
// (end exclusive); o f32 [Tq, H*D]; stats f32 [Tq, H, 2]: lse here, delta in the backward pass.
// import lib/exp.wgsl
// import lib/attention_interface.wgsl
const D4: u32 = 8u; // spec head size / 4
const HEADS: u32 = 1u; // spec
const KEYS: u32 = 4u; // spec
const LOWEST: f32 = -3.0e38f;

// Neighbours take neighbouring rows of one head: however few heads there are, no lane idles.
@compute @workgroup_size(16, 2)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = params.firstRow + id.x;
  let head0 = id.y * HEADS;
  if (row >= params.rows || head0 >= params.heads) {
    return;
  }
  let kvHead = head0 * params.kvHeads / params.heads;
  var qv: array<vec4f, HEADS * D4>; // registers
  var acc: array<vec4f, HEADS * D4>; // registers
  var top: array<f32, HEADS>; // registers
  var sum: array<f32, HEADS>; // registers
  for (var h = 0u; h < HEADS; h++) { // unroll
    top[h] = LOWEST;
    for (var d = 0u; d < D4; d++) { // unroll
      qv[h * D4 + d] = q[params.qOffset4 + row * params.qStride4 + (head0 + h) * D4 + d] * params.scale;
    }
  }
  let range = ranges[row];
  for (var part = 0u; part < 2u; part++) {
    let start = select(range.x, range.z, part == 1u);
    let end = select(range.y, range.w, part == 1u);
    for (var j0 = start; j0 < end; j0 += KEYS) {
      var at: array<u32, KEYS>; // registers
      var score: array<f32, HEADS * KEYS>; // registers
      for (var j = 0u; j < KEYS; j++) { // unroll
        at[j] = min(j0 + j, end - 1u) * params.kvStride4 + kvHead * D4;
        for (var d = 0u; d < D4; d++) { // unroll
          let kv = k[params.kOffset4 + at[j] + d];
          for (var h = 0u; h < HEADS; h++) { // unroll
            score[h * KEYS + j] += dot(qv[h * D4 + d], kv);
          }
        }
        for (var h = 0u; h < HEADS; h++) { // unroll
          score[h * KEYS + j] = select(LOWEST, score[h * KEYS + j], j0 + j < end);
        }
      }
      for (var h = 0u; h < HEADS; h++) { // unroll
        var higher = top[h];
        for (var j = 0u; j < KEYS; j++) { // unroll
          higher = max(higher, score[h * KEYS + j]);
        }
        let shrink = exact_exp(top[h] - higher);
        top[h] = higher;
        sum[h] *= shrink;
        for (var j = 0u; j < KEYS; j++) { // unroll
          score[h * KEYS + j] = select(0.0f, exact_exp(score[h * KEYS + j] - higher), j0 + j < end);
          sum[h] += score[h * KEYS + j];
        }
        for (var d = 0u; d < D4; d++) { // unroll
          acc[h * D4 + d] *= shrink;
        }
      }
      for (var j = 0u; j < KEYS; j++) { // unroll
        for (var d = 0u; d < D4; d++) { // unroll
          let vv = v[params.vOffset4 + at[j] + d];
          for (var h = 0u; h < HEADS; h++) { // unroll
            acc[h * D4 + d] += score[h * KEYS + j] * vv;
          }
        }
      }
    }
  }
  for (var h = 0u; h < HEADS; h++) { // unroll
    let share = select(0.0f, 1.0f / sum[h], sum[h] > 0.0f);
    let out = row * params.heads + head0 + h;
    for (var d = 0u; d < D4; d++) { // unroll
      o[out * D4 + d] = acc[h * D4 + d] * share;
    }
    stats[out * 2u] = top[h] + log(max(sum[h], 1.0e-37f));
  }
}
