// dq[t, h] = scale sum_j ds k[j],  ds = p (do . v[j] - delta),  p = exp(scale q . k[j] - lse),  delta = do . o
// Workgroup variant of attention_backward_q.wgsl for GPUs. As there, delta is corrected by what the ds of a row fail to
// sum to zero. For dq itself, one key is taken off all keys instead: were the sum zero, that would change nothing, and
// what the keys have in common (their bias) can no longer turn the sum's rounding into an error.
// One workgroup: a tile of 64 (query row, head) rows of one key head. Per 32 keys: scores and do . v by 4 x 4 per
// invocation from slices in workgroup memory, then ROWS x 4 COLUMNS of dq from ds and OUT_ROWS rows of k at a time.
// qkv f32 [T, stride]: q heads, k heads, v heads; o, dO f32 [T, H*D]; stats f32 [T, H, 2]; dqkv like qkv.
// import lib/exp.wgsl
// import lib/attention_pool.wgsl
// import lib/attention_backward_q_interface.wgsl
const ROWS: u32 = 8u; // spec
const COLUMNS: u32 = 2u; // spec divides D4

var<workgroup> origin: array<vec4f, D4>;
var<workgroup> lse: array<f32, TILE>;
var<workgroup> delta: array<f32, 2u * TILE>;
var<workgroup> live: array<u32, TILE>;
// Complement of the next key that is seen.
var<workgroup> wanted: atomic<u32>;
var<workgroup> nextKey: u32;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let kvHead = group.y;
  let first = params.firstRow * GROUP + group.x * TILE;
  let end = params.rows * GROUP;
  let row = index % TILE;
  let half = index / TILE;
  let at = head_of(min(first + row, end - 1u), kvHead);
  var range = vec4u();
  if (first + row < end) {
    range = ranges[(first + row) / GROUP];
  }
  if (half < 2u) {
    var part = 0.0f;
    for (var d = half; d < D4; d += 2u) {
      part += dot(dO[at * D4 + d], o[at * D4 + d]);
    }
    delta[index] = part;
  }
  if (half == 0u) {
    lse[row] = stats[at * 2u];
    atomicMax(&wanted, next_seen(range, 0u));
  }
  workgroupBarrier();
  if (half == 0u) {
    delta[row] += delta[row + TILE];
  }
  if (index == 0u) {
    nextKey = ~atomicExchange(&wanted, 0u);
  }
  let firstKey = workgroupUniformLoad(&nextKey);
  if (index < D4) {
    origin[index] = qkv[min(firstKey, params.keys - 1u) * params.stride4 + (params.heads + kvHead) * D4 + index];
  }
  // Scores: rows sy + 16 i, keys 4 sx + j. Output: rows ROWS vy + i, vec4 columns vx + (D4 / COLUMNS) c.
  let sx = index % 8u;
  let sy = index / 8u;
  let vx = index % (D4 / COLUMNS);
  let vy = index / (D4 / COLUMNS);
  var acc: array<vec4f, ROWS * COLUMNS>; // registers
  var mass: array<f32, 4>; // registers sum of p
  var excess: array<f32, 4>; // registers sum of ds
  for (var j0 = firstKey; j0 != 0xffffffffu; j0 = workgroupUniformLoad(&nextKey)) {
    if (half == 0u) {
      live[row] = bits_seen(range, j0);
      atomicMax(&wanted, next_seen(range, j0 + KEYS));
    }
    let scoreKey = j0;
    let lastKey = params.keys - 1u;
    // import lib/attention_backward_scores.wgsl
    if (LANES == 128u || index < 128u) {
      for (var i = 0u; i < 4u; i++) { // unroll
        let r = sy + i * 16u;
        let bits = vec4u(live[r] >> (sx * 4u)) & vec4u(1u, 2u, 4u, 8u);
        let s = vec4f(score[i * 4u], score[i * 4u + 1u], score[i * 4u + 2u], score[i * 4u + 3u]);
        let dp = vec4f(score[16u + i * 4u], score[17u + i * 4u], score[18u + i * 4u], score[19u + i * 4u]);
        let p = select(vec4f(), exact_exp4(s * params.scale - lse[r]), bits != vec4u());
        let ds = p * (dp - delta[r]);
        mass[i] += p.x + p.y + p.z + p.w;
        excess[i] += ds.x + ds.y + ds.z + ds.w;
        pool[r * WEIGHT_STRIDE + sx] = ds;
      }
    }
    for (var key0 = 0u; key0 < KEYS; key0 += OUT_ROWS) {
      for (var n = 0u; n < (OUT_ROWS * D4 + LANES - 1u) / LANES; n++) { // unroll
        let i = n * LANES + index;
        if ((n + 1u) * LANES <= OUT_ROWS * D4 || i < OUT_ROWS * D4) {
          let j = min(j0 + key0 + i / D4, params.keys - 1u);
          pool[OUT_AT + i] = qkv[j * params.stride4 + (params.heads + kvHead) * D4 + i % D4] - origin[i % D4];
        }
      }
      workgroupBarrier();
      if (LANES * ROWS * COLUMNS == TILE * D4 || vy < TILE / ROWS) {
        // import lib/attention_outputs.wgsl
      }
      workgroupBarrier();
    }
    if (index == 0u) {
      nextKey = ~atomicExchange(&wanted, 0u);
    }
  }
  if (LANES == 128u || index < 128u) {
    for (var i = 0u; i < 4u; i++) { // unroll
      pool[(sy + i * 16u) * WEIGHT_STRIDE + sx] = vec4f(mass[i], excess[i], 0.0f, 0.0f);
    }
  }
  workgroupBarrier();
  if (half == 0u && first + row < end) {
    var sums = vec4f();
    for (var x = 0u; x < 8u; x++) {
      sums += pool[row * WEIGHT_STRIDE + x];
    }
    stats[at * 2u + 1u] = delta[row] + select(0.0f, sums.y / sums.x, sums.x > 0.0f);
  }
  if (LANES * ROWS * COLUMNS == TILE * D4 || vy < TILE / ROWS) {
    for (var i = 0u; i < ROWS; i++) { // unroll
      let r = first + vy * ROWS + i;
      if (r < end) {
        let to = r / GROUP * params.stride4 + (kvHead * GROUP + r % GROUP) * D4 + vx;
        for (var c = 0u; c < COLUMNS; c++) { // unroll
          dqkv[to + c * (D4 / COLUMNS)] = acc[i * COLUMNS + c] * params.scale;
        }
      }
    }
  }
}
