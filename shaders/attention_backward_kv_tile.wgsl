// dv[j] = sum p dO,  dk[j] = scale sum ds q, over the query rows that see key j and the query heads of its key head.
// Workgroup variant of attention_backward_kv.wgsl for GPUs, after attention_backward_q_tile.wgsl; same buffers.
// One workgroup: 32 keys of one key head. Per tile of 64 (query row, head) rows: scores and dO . v by 4 x 4 per
// invocation from slices in workgroup memory, then ROWS x 4 of dv from p and Q_ROWS rows of dO at a time, and of dk from
// ds and rows of q.
// import lib/exp.wgsl
// import lib/attention_tile.wgsl
const D4: u32 = 32u; // spec head size / 4
const LANES: u32 = 128u; // spec invocations: 128, or more where dk and dv need them
const SLICE4: u32 = 8u; // spec divides D4: what rows and keys have in workgroup memory at a time
const ROWS: u32 = 8u; // spec 4 or 8 keys of dk and dv to an invocation
const Q_ROWS: u32 = 8u; // spec 8, 16 or 32
const TILE: u32 = 64u;
const STRIDE: u32 = SLICE4 | 1u; // odd: rows that are read together lie in different banks
const KEY_AT: u32 = TILE * STRIDE;
const WEIGHT_STRIDE: u32 = 9u;
const Q_AT: u32 = TILE * WEIGHT_STRIDE;

struct Params {
  firstRow: u32,
  endRow: u32,
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

// First a slice of q and k or of dO and v, then p or ds [row][key] and rows of dO or q.
var<workgroup> pool: array<vec4f, max((TILE + KEYS) * STRIDE, Q_AT + Q_ROWS * D4)>;
var<workgroup> lse: array<f32, TILE>;
var<workgroup> delta: array<f32, TILE>;
// By key: first row that does not see it.
var<workgroup> until: array<u32, KEYS>;
var<workgroup> last: atomic<u32>;
var<workgroup> lastRow: u32;

// Where row r has its heads' numbers: of [T, H].
fn head_of(r: u32, kvHead: u32) -> u32 {
  return r / GROUP * params.heads + kvHead * GROUP + r % GROUP;
}

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
    // score[0 .. 15] = q . k, then p; score[16 .. 31] = dO . v, then ds
    var score: array<f32, 32>; // registers
    for (var part = 0u; part < 2u; part++) { // unroll
      for (var d0 = 0u; d0 < D4; d0 += SLICE4) {
        for (var n = 0u; n < (64u * SLICE4 + LANES - 1u) / LANES; n++) { // unroll
          let i = n * LANES + index;
          if ((n + 1u) * LANES <= TILE * SLICE4 || i < TILE * SLICE4) {
            let r = min(first + i / SLICE4, end - 1u);
            let d = d0 + i % SLICE4;
            if (part == 0u) {
              pool[i / SLICE4 * STRIDE + i % SLICE4] =
                qkv[r / GROUP * params.stride4 + (kvHead * GROUP + r % GROUP) * D4 + d];
            } else {
              pool[i / SLICE4 * STRIDE + i % SLICE4] = dO[head_of(r, kvHead) * D4 + d];
            }
          }
        }
        for (var n = 0u; n < (32u * SLICE4 + LANES - 1u) / LANES; n++) { // unroll
          let i = n * LANES + index;
          if ((n + 1u) * LANES <= KEYS * SLICE4 || i < KEYS * SLICE4) {
            // Key 4 x + j lies in row 8 j + x: whoever takes keys 4 x .. 4 x + 3 meets its neighbours in other banks.
            let slot = i / SLICE4;
            let j = min(key0 + slot % 8u * 4u + slot / 8u, params.rows - 1u);
            let head = params.heads + part * params.kvHeads + kvHead;
            pool[KEY_AT + slot * STRIDE + i % SLICE4] = qkv[j * params.stride4 + head * D4 + d0 + i % SLICE4];
          }
        }
        workgroupBarrier();
        if (LANES == 128u || index < 128u) {
          for (var d = 0u; d < SLICE4; d++) { // unroll
            var a: array<vec4f, 4>; // registers
            for (var i = 0u; i < 4u; i++) { // unroll
              a[i] = pool[(sy + i * 16u) * STRIDE + d];
            }
            for (var j = 0u; j < 4u; j++) { // unroll
              let b = pool[KEY_AT + (j * 8u + sx) * STRIDE + d];
              for (var i = 0u; i < 4u; i++) { // unroll
                score[part * 16u + i * 4u + j] = add_dot(score[part * 16u + i * 4u + j], a[i], b);
              }
            }
          }
        }
        workgroupBarrier();
      }
    }
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
      for (var r0 = 0u; r0 < TILE; r0 += Q_ROWS) {
        for (var n = 0u; n < (Q_ROWS * D4 + LANES - 1u) / LANES; n++) { // unroll
          let i = n * LANES + index;
          if ((n + 1u) * LANES <= Q_ROWS * D4 || i < Q_ROWS * D4) {
            let r = min(first + r0 + i / D4, end - 1u);
            if (part == 0u) {
              pool[Q_AT + i] = dO[head_of(r, kvHead) * D4 + i % D4];
            } else {
              pool[Q_AT + i] = qkv[r / GROUP * params.stride4 + (kvHead * GROUP + r % GROUP) * D4 + i % D4];
            }
          }
        }
        workgroupBarrier();
        if (LANES * ROWS == KEYS * D4 || vy < KEYS / ROWS) {
          for (var row = 0u; row < Q_ROWS; row++) { // unroll
            let value = pool[Q_AT + row * D4 + vx];
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
