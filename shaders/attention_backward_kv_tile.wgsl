// dv[j] = sum p dO,  dk[j] = scale sum ds q, over the query rows that see key j and the query heads of its key head.
// Workgroup variant of attention_backward_kv.wgsl for GPUs, after attention_backward_q_tile.wgsl; same buffers.
// One workgroup: 32 keys of one key head. Per tile of 64 (query row, head) rows: scores and dO . v by 4 x 4 per
// invocation from slices in workgroup memory, then ROWS x 4 of dv from p and OUT_ROWS rows of dO at a time, and of dk from
// ds and rows of q.
// import lib/exp.wgsl
// import lib/attention_pool.wgsl
// import lib/attention_backward_kv_interface.wgsl
const ROWS: u32 = 8u; // spec 4 or 8 keys of dk and dv to an invocation

var<workgroup> lse: array<f32, TILE>;
var<workgroup> delta: array<f32, TILE>;
// By key: first row that does not see it.
var<workgroup> until: array<u32, KEYS>;
var<workgroup> last: atomic<u32>;
var<workgroup> lastRow: u32;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let kvHead = group.y;
  let key0 = params.firstRow + group.x * KEYS;
  if (index < KEYS) {
    var seenUntil = 0u;
    if (key0 + index < params.endRow) {
      seenUntil = queryEnd[key0 + index];
    }
    until[index] = seenUntil;
    atomicMax(&last, seenUntil);
  }
  workgroupBarrier();
  if (index == 0u) {
    lastRow = min(atomicLoad(&last), params.rows);
  }
  let end = workgroupUniformLoad(&lastRow) * GROUP;
  // Scores: rows sy + 16 i, keys 4 sx + j. Output: keys ROWS vy + i, vec4 column vx.
  let sx = index % 8u;
  let sy = index / 8u;
  let vx = index % D4;
  let vy = index / D4;
  var sees: array<u32, 4>; // registers
  for (var j = 0u; j < 4u; j++) { // unroll
    sees[j] = until[sx * 4u + j];
  }
  var dk: array<vec4f, ROWS>; // registers
  var dv: array<vec4f, ROWS>; // registers
  for (var first = key0 * GROUP; first < end; first += TILE) {
    if (index < TILE) {
      let at = head_of(min(first + index, end - 1u), kvHead);
      lse[index] = stats[at * 2u];
      delta[index] = stats[at * 2u + 1u];
    }
    let scoreKey = key0;
    let lastKey = params.rows - 1u;
    // import lib/attention_backward_scores.wgsl
    // From here on score has p in place of q . k, and ds in place of dO . v.
    for (var i = 0u; i < 4u; i++) { // unroll
      let r = (sy + i * 16u) % TILE;
      let t = (first + r) / GROUP;
      for (var j = 0u; j < 4u; j++) { // unroll
        let p = exact_exp(score[i * 4u + j] * params.scale - lse[r]);
        score[i * 4u + j] = select(0.0f, p, t >= key0 + sx * 4u + j && t < sees[j]);
        score[16u + i * 4u + j] = score[i * 4u + j] * (score[16u + i * 4u + j] - delta[r]);
      }
    }
    for (var part = 0u; part < 2u; part++) { // unroll
      if (LANES == 128u || index < 128u) {
        for (var i = 0u; i < 4u; i++) { // unroll
          pool[(sy + i * 16u) * WEIGHT_STRIDE + sx] = vec4f(
            score[part * 16u + i * 4u],
            score[part * 16u + i * 4u + 1u],
            score[part * 16u + i * 4u + 2u],
            score[part * 16u + i * 4u + 3u],
          );
        }
      }
      for (var r0 = 0u; r0 < TILE; r0 += OUT_ROWS) {
        for (var n = 0u; n < (OUT_ROWS * D4 + LANES - 1u) / LANES; n++) { // unroll
          let i = n * LANES + index;
          if ((n + 1u) * LANES <= OUT_ROWS * D4 || i < OUT_ROWS * D4) {
            let r = min(first + r0 + i / D4, end - 1u);
            if (part == 0u) {
              pool[OUT_AT + i] = dO[head_of(r, kvHead) * D4 + i % D4];
            } else {
              pool[OUT_AT + i] = qkv[r / GROUP * params.stride4 + (kvHead * GROUP + r % GROUP) * D4 + i % D4];
            }
          }
        }
        workgroupBarrier();
        if (LANES * ROWS == KEYS * D4 || vy < KEYS / ROWS) {
          for (var row = 0u; row < OUT_ROWS; row++) { // unroll
            let value = pool[OUT_AT + row * D4 + vx];
            for (var i4 = 0u; i4 < ROWS / 4u; i4++) { // unroll
              let weight = pool[(r0 + row) * WEIGHT_STRIDE + vy * (ROWS / 4u) + i4];
              for (var e = 0u; e < 4u; e++) { // unroll
                if (part == 0u) {
                  dv[i4 * 4u + e] += weight[e] * value;
                } else {
                  dk[i4 * 4u + e] += weight[e] * value;
                }
              }
            }
          }
        }
        workgroupBarrier();
      }
    }
  }
  if (LANES * ROWS == KEYS * D4 || vy < KEYS / ROWS) {
    for (var i = 0u; i < ROWS; i++) { // unroll
      let j = key0 + vy * ROWS + i;
      if (j < params.endRow) {
        let to = j * params.stride4 + (params.heads + kvHead) * D4 + vx;
        dqkv[to] = dk[i] * params.scale;
        dqkv[to + params.kvHeads * D4] = dv[i];
      }
    }
  }
}
