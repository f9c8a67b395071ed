// dq[t, h] = scale sum_j ds k[j],  ds = p (do . v[j] - delta),  p = exp(scale q . k[j] - lse),  delta = do . o
// Workgroup variant of attention_backward_q.wgsl for GPUs. As there, delta is corrected by what the ds of a row fail to
// sum to zero. For dq itself, one key is taken off all keys instead: were the sum zero, that would change nothing, and
// what the keys have in common (their bias) can no longer turn the sum's rounding into an error.
// One workgroup: a tile of 64 (query row, head) rows of one key head. Per 32 keys: scores and do . v by 4 x 4 per
// invocation from slices in workgroup memory, then ROWS x 4 COLUMNS of dq from ds and K_ROWS rows of k at a time.
// qkv f32 [T, stride]: q heads, k heads, v heads; o, dO f32 [T, H*D]; stats f32 [T, H, 2]; dqkv like qkv.
// import lib/exp.wgsl
// import lib/attention_tile.wgsl
const D4: u32 = 32u; // spec head size / 4
const LANES: u32 = 128u; // spec invocations: 128, or more where dq needs them
const SLICE4: u32 = 8u; // spec divides D4: what rows and keys have in workgroup memory at a time
const ROWS: u32 = 8u; // spec
const COLUMNS: u32 = 2u; // spec divides D4
const K_ROWS: u32 = 8u; // spec 8, 16 or 32
const TILE: u32 = 64u;
const STRIDE: u32 = SLICE4 | 1u; // odd: rows that are read together lie in different banks
const KEY_AT: u32 = TILE * STRIDE;
const DS_STRIDE: u32 = 9u;
const K_AT: u32 = TILE * DS_STRIDE;

struct Params {
  firstRow: u32,
  rows: u32,
  keys: u32,
  heads: u32,
  kvHeads: u32,
  stride4: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> o: array<vec4f>;
@group(0) @binding(2) var<storage, read> dO: array<vec4f>;
@group(0) @binding(3) var<storage, read> ranges: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> stats: array<f32>;
@group(0) @binding(5) var<storage, read_write> dqkv: array<vec4f>;
@group(0) @binding(6) var<uniform> params: Params;

// First a slice of q and k or of dO and v, then ds [row][key] and rows of k.
var<workgroup> pool: array<vec4f, max((TILE + KEYS) * STRIDE, K_AT + K_ROWS * D4)>;
var<workgroup> origin: array<vec4f, D4>;
var<workgroup> lse: array<f32, TILE>;
var<workgroup> delta: array<f32, 2u * TILE>;
var<workgroup> live: array<u32, TILE>;
// Complement of the next key that is seen.
var<workgroup> wanted: atomic<u32>;
var<workgroup> nextKey: u32;

// Where row r has its heads' numbers: of [T, H].
fn head_of(r: u32, kvHead: u32) -> u32 {
  return r / GROUP * params.heads + kvHead * GROUP + r % GROUP;
}

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
    // score[0 .. 15] = q . k, score[16 .. 31] = dO . v
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
            let j = min(j0 + slot % 8u * 4u + slot / 8u, params.keys - 1u);
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
        pool[r * DS_STRIDE + sx] = ds;
      }
    }
    for (var key0 = 0u; key0 < KEYS; key0 += K_ROWS) {
      for (var n = 0u; n < (K_ROWS * D4 + LANES - 1u) / LANES; n++) { // unroll
        let i = n * LANES + index;
        if ((n + 1u) * LANES <= K_ROWS * D4 || i < K_ROWS * D4) {
          let j = min(j0 + key0 + i / D4, params.keys - 1u);
          pool[K_AT + i] = qkv[j * params.stride4 + (params.heads + kvHead) * D4 + i % D4] - origin[i % D4];
        }
      }
      workgroupBarrier();
      if (LANES * ROWS * COLUMNS == TILE * D4 || vy < TILE / ROWS) {
        for (var key4 = 0u; key4 < K_ROWS / 4u; key4++) { // unroll
          var ds: array<vec4f, ROWS>; // registers
          for (var i = 0u; i < ROWS; i++) { // unroll
            ds[i] = pool[(vy * ROWS + i) * DS_STRIDE + key0 / 4u + key4];
          }
          for (var e = 0u; e < 4u; e++) { // unroll
            for (var c = 0u; c < COLUMNS; c++) { // unroll
              let value = pool[K_AT + (key4 * 4u + e) * D4 + vx + c * (D4 / COLUMNS)];
              for (var i = 0u; i < ROWS; i++) { // unroll
                acc[i * COLUMNS + c] += ds[i][e] * value;
              }
            }
          }
        }
      }
      workgroupBarrier();
    }
    if (index == 0u) {
      nextKey = ~atomicExchange(&wanted, 0u);
    }
  }
  if (LANES == 128u || index < 128u) {
    for (var i = 0u; i < 4u; i++) { // unroll
      pool[(sy + i * 16u) * DS_STRIDE + sx] = vec4f(mass[i], excess[i], 0.0f, 0.0f);
    }
  }
  workgroupBarrier();
  if (half == 0u && first + row < end) {
    var sums = vec4f();
    for (var x = 0u; x < 8u; x++) {
      sums += pool[row * DS_STRIDE + x];
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
