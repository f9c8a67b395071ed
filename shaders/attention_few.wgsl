// Attention as in attention_tile.wgsl, of the same interface, where query rows are few and keys many (decoding): no two
// rows need see the same keys, so a workgroup takes one row, HEADS query heads of one key head, and all its lanes share
// out the keys, 64 at a time: 4 lanes to a key for scores, D4 lanes to every SUBSETS-th key for o; in the end the subsets
// are added up in their order.
// import lib/exp.wgsl
// import lib/attention_tile.wgsl
// import lib/attention_interface.wgsl
const D4: u32 = 32u; // spec head size / 4, at most 64
const HEADS: u32 = 4u; // spec 1, 2 or 4; divides GROUP
const V_LOADS: u32 = 8u; // spec 64 over SUBSETS, rounded up
const LANES: u32 = 256u;
const SUBSETS: u32 = LANES / D4;
const TOGETHER: u32 = 64u;
const LOWEST: f32 = -3.0e38f;

var<workgroup> query: array<vec4f, HEADS * D4>;
// [head][key][quarter]
var<workgroup> quarters: array<f32, HEADS * TOGETHER * 4u>;
// [head][key]
var<workgroup> scores: array<f32, HEADS * TOGETHER>;
// [head][eighth of the keys]
var<workgroup> tops: array<f32, HEADS * 8u>;
// [key][head]
var<workgroup> weights: array<f32, TOGETHER * HEADS>;
var<workgroup> factor: array<f32, HEADS>;
var<workgroup> subset: array<vec4f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let row = params.firstRow + group.x;
  let head0 = group.y * HEADS;
  let kvHead = head0 / GROUP;
  for (var i = index; i < HEADS * D4; i += LANES) {
    query[i] = q[params.qOffset4 + row * params.qStride4 + head0 * D4 + i] * params.scale;
  }
  workgroupBarrier();
  // Scores: a quarter of key `index / 4`. Softmax: key `key` of head `head`. Output: column `column` of a subset's keys.
  let key = index % TOGETHER;
  let head = index / TOGETHER;
  let column = index % D4;
  let mine = index / D4;
  var acc: array<vec4f, HEADS>; // registers
  var top = LOWEST;
  var sum = 0.0f;
  let range = ranges[row];
  for (var part = 0u; part < 2u; part++) {
    let start = select(range.x, range.z, part == 1u);
    let end = select(range.y, range.w, part == 1u);
    for (var j0 = start; j0 < end; j0 += TOGETHER) {
      var score: array<f32, HEADS>; // registers
      let kAt = params.kOffset4 + min(j0 + index / 4u, end - 1u) * params.kvStride4 + kvHead * D4;
      for (var d0 = 0u; d0 < (D4 + 3u) / 4u; d0++) { // unroll
        let d = d0 * 4u + index % 4u;
        if (D4 % 4u == 0u || d < D4) {
          let kv = k[kAt + d];
          for (var h = 0u; h < HEADS; h++) { // unroll
            score[h] = add_dot(score[h], query[h * D4 + d], kv);
          }
        }
      }
      // Asked for here, so that they arrive while the weights are made.
      var values: array<vec4f, V_LOADS>; // registers
      for (var n = 0u; n < V_LOADS; n++) { // unroll
        let j = min(j0 + min(n * SUBSETS + mine, TOGETHER - 1u), end - 1u);
        values[n] = v[params.vOffset4 + j * params.kvStride4 + kvHead * D4 + column];
      }
      for (var h = 0u; h < HEADS; h++) { // unroll
        quarters[h * (TOGETHER * 4u) + index] = score[h];
      }
      workgroupBarrier();
      var own = LOWEST;
      if (head < HEADS) {
        let at = index * 4u;
        if (j0 + key < end) {
          own = (quarters[at] + quarters[at + 1u]) + (quarters[at + 2u] + quarters[at + 3u]);
        }
        scores[index] = own;
      }
      workgroupBarrier();
      if (index < HEADS * 8u) {
        var highest = LOWEST;
        for (var i = 0u; i < 8u; i++) { // unroll
          highest = max(highest, scores[index * 8u + i]);
        }
        tops[index] = highest;
      }
      workgroupBarrier();
      if (head < HEADS) {
        let before = top;
        for (var i = 0u; i < 8u; i++) { // unroll
          top = max(top, tops[head * 8u + i]);
        }
        let p = select(0.0f, exact_exp(own - top), j0 + key < end);
        let shrink = exact_exp(before - top);
        sum = sum * shrink + p;
        weights[key * HEADS + head] = p;
        if (key == 0u) {
          factor[head] = shrink;
        }
      }
      workgroupBarrier();
      for (var h = 0u; h < HEADS; h++) { // unroll
        acc[h] *= factor[h];
      }
      for (var n = 0u; n < V_LOADS; n++) { // unroll
        let i = n * SUBSETS + mine;
        if (mine < SUBSETS && i < TOGETHER) {
          for (var h = 0u; h < HEADS; h++) { // unroll
            acc[h] += weights[i * HEADS + h] * values[n];
          }
        }
      }
    }
  }
  workgroupBarrier();
  if (head < HEADS) {
    scores[index] = sum;
  }
  workgroupBarrier();
  if (head < HEADS && key == 0u) {
    var whole = 0.0f;
    for (var i = 0u; i < TOGETHER; i++) {
      whole += scores[index + i];
    }
    factor[head] = select(0.0f, 1.0f / whole, whole > 0.0f);
    stats[(row * params.heads + head0 + head) * 2u] = top + log(max(whole, 1.0e-37f));
  }
  for (var h = 0u; h < HEADS; h++) { // unroll
    subset[index] = acc[h];
    workgroupBarrier();
    if (index < D4) {
      var out = vec4f();
      for (var s = 0u; s < SUBSETS; s++) {
        out += subset[s * D4 + index];
      }
      o[(row * params.heads + head0 + h) * D4 + index] = out * factor[h];
    }
    workgroupBarrier();
  }
}
