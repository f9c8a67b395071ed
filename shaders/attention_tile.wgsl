// o[t, h] = sum_j softmax_j(scale q[t, h] . k[j, g(h)]) v[j, g(h)] over the keys of the row's two ranges;
// lse[t, h] = log sum_j exact_exp(score). Workgroup variant of attention.wgsl for GPUs, of the same interface.
// One workgroup: a tile of 64 (query row, head) rows of one key head. Per 32 keys: scores by 4 x 4 per invocation from
// slices of q and k in workgroup memory; online softmax, two invocations a row; then ROWS x 4 COLUMNS of o per
// invocation from the weights and OUT_ROWS rows of v at a time.
// import lib/exp.wgsl
// import lib/attention_pool.wgsl
// import lib/attention_interface.wgsl
const ROWS: u32 = 8u; // spec
const COLUMNS: u32 = 2u; // spec divides D4
const LOWEST: f32 = -3.0e38f;

// By row: of either half of its keys the highest score, in the end the sum; what its part of o is multiplied by.
var<workgroup> halves: array<f32, 2u * TILE>;
var<workgroup> factor: array<f32, TILE>;
// Complement of the next key that is seen; bits of those of the 32 that are.
var<workgroup> wanted: atomic<u32>;
var<workgroup> seen: atomic<u32>;
var<workgroup> nextKey: u32;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let kvHead = group.y;
  let first = params.firstRow * GROUP + group.x * TILE;
  let end = params.rows * GROUP;
  // Softmax: of row `row` the keys 16 half .. 16 half + 15.
  let row = index % TILE;
  let half = index / TILE;
  var range = vec4u();
  var top = LOWEST;
  var sum = 0.0f;
  if (first + row < end) {
    range = ranges[(first + row) / GROUP];
  }
  if (index < TILE) {
    atomicMax(&wanted, next_seen(range, 0u));
  }
  workgroupBarrier();
  if (index == 0u) {
    nextKey = ~atomicExchange(&wanted, 0u);
  }
  // Scores: rows sy + 16 i, keys 4 sx + j. Output: rows ROWS vy + i, vec4 columns vx + (D4 / COLUMNS) c.
  let sx = index % 8u;
  let sy = index / 8u;
  let vx = index % (D4 / COLUMNS);
  let vy = index / (D4 / COLUMNS);
  var acc: array<vec4f, ROWS * COLUMNS>; // registers
  for (var j0 = workgroupUniformLoad(&nextKey); j0 != 0xffffffffu; j0 = workgroupUniformLoad(&nextKey)) {
    let bits = bits_seen(range, j0);
    if (index < TILE) {
      atomicOr(&seen, bits);
    }
    var score: array<f32, 16>; // registers
    for (var d0 = 0u; d0 < D4; d0 += SLICE4) {
      for (var n = 0u; n < (64u * SLICE4 + LANES - 1u) / LANES; n++) { // unroll
        let i = n * LANES + index;
        if ((n + 1u) * LANES <= TILE * SLICE4 || i < TILE * SLICE4) {
          let r = min(first + i / SLICE4, end - 1u);
          let at = r / GROUP * params.qStride4 + (kvHead * GROUP + r % GROUP) * D4;
          pool[i / SLICE4 * STRIDE + i % SLICE4] = q[params.qOffset4 + at + d0 + i % SLICE4];
        }
      }
      for (var n = 0u; n < (32u * SLICE4 + LANES - 1u) / LANES; n++) { // unroll
        let i = n * LANES + index;
        if ((n + 1u) * LANES <= KEYS * SLICE4 || i < KEYS * SLICE4) {
          // Key 4 x + j lies in row 8 j + x: whoever takes keys 4 x .. 4 x + 3 meets its neighbours in other banks.
          let slot = i / SLICE4;
          let at = (j0 + slot % 8u * 4u + slot / 8u) * params.kvStride4 + kvHead * D4;
          pool[KEY_AT + slot * STRIDE + i % SLICE4] = k[params.kOffset4 + at + d0 + i % SLICE4];
        }
      }
      workgroupBarrier();
      if (LANES == 128u || index < 128u) {
        for (var part = 0u; part < 1u; part++) { // unroll
          // import lib/attention_dots.wgsl
        }
      }
      workgroupBarrier();
    }
    let seenByAny = atomicLoad(&seen);
    if (LANES == 128u || index < 128u) {
      for (var i = 0u; i < 4u; i++) { // unroll
        let scores = vec4f(score[i * 4u], score[i * 4u + 1u], score[i * 4u + 2u], score[i * 4u + 3u]);
        pool[(sy + i * 16u) * WEIGHT_STRIDE + sx] = scores * params.scale;
      }
    }
    workgroupBarrier();
    var x: array<vec4f, 4>; // registers
    if (half < 2u) {
      var highest = vec4f(LOWEST);
      for (var j = 0u; j < 4u; j++) { // unroll
        let live = (vec4u(bits >> (half * 16u + j * 4u)) & vec4u(1u, 2u, 4u, 8u)) != vec4u();
        x[j] = select(vec4f(LOWEST), pool[row * WEIGHT_STRIDE + half * 4u + j], live);
        highest = max(highest, x[j]);
      }
      halves[index] = max(max(highest.x, highest.y), max(highest.z, highest.w));
    }
    workgroupBarrier();
    if (half < 2u) {
      let before = top;
      top = max(top, max(halves[row], halves[row + TILE]));
      // What is masked stays LOWEST below any such base, also in a row that has seen no key yet: its weight is 0.
      let base = max(top, 0.5f * LOWEST);
      let shrink = exact_exp(before - base);
      var sum4 = vec4f();
      for (var j = 0u; j < 4u; j++) { // unroll
        let p = exact_exp4(x[j] - base);
        sum4 += p;
        pool[row * WEIGHT_STRIDE + half * 4u + j] = p;
      }
      sum = sum * shrink + (sum4.x + sum4.y + sum4.z + sum4.w);
      if (half == 0u) {
        factor[row] = shrink;
        atomicMax(&wanted, next_seen(range, j0 + KEYS));
      }
    }
    for (var key0 = 0u; key0 < KEYS; key0 += OUT_ROWS) {
      for (var n = 0u; n < (OUT_ROWS * D4 + LANES - 1u) / LANES; n++) { // unroll
        let i = n * LANES + index;
        if ((n + 1u) * LANES <= OUT_ROWS * D4 || i < OUT_ROWS * D4) {
          // A key that no row sees may be anything, also no number: another stands for it, with weight 0.
          let key = key0 + i / D4;
          let j = select(j0, j0 + key, ((seenByAny >> key) & 1u) == 1u);
          pool[OUT_AT + i] = v[params.vOffset4 + j * params.kvStride4 + kvHead * D4 + i % D4];
        }
      }
      workgroupBarrier();
      if (LANES * ROWS * COLUMNS == TILE * D4 || vy < TILE / ROWS) {
        if (key0 == 0u) {
          for (var i = 0u; i < ROWS; i++) { // unroll
            for (var c = 0u; c < COLUMNS; c++) { // unroll
              acc[i * COLUMNS + c] *= factor[vy * ROWS + i];
            }
          }
        }
        // import lib/attention_outputs.wgsl
      }
      workgroupBarrier();
    }
    if (index == 0u) {
      nextKey = ~atomicExchange(&wanted, 0u);
      atomicStore(&seen, 0u);
    }
  }
  if (half < 2u) {
    halves[index] = sum;
  }
  workgroupBarrier();
  if (half == 0u) {
    let whole = halves[row] + halves[row + TILE];
    factor[row] = select(0.0f, 1.0f / whole, whole > 0.0f);
    if (first + row < end) {
      stats[head_of(first + row, kvHead) * 2u] = top + log(max(whole, 1.0e-37f));
    }
  }
  workgroupBarrier();
  if (LANES * ROWS * COLUMNS == TILE * D4 || vy < TILE / ROWS) {
    for (var i = 0u; i < ROWS; i++) { // unroll
      let r = first + vy * ROWS + i;
      if (r < end) {
        let at = head_of(r, kvHead) * D4 + vx;
        for (var c = 0u; c < COLUMNS; c++) { // unroll
          o[at + c * (D4 / COLUMNS)] = acc[i * COLUMNS + c] * factor[vy * ROWS + i];
        }
      }
    }
  }
}
