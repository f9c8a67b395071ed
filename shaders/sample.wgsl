// One token per slot from its logits row: repetition penalty, suppressed tokens, temperature, top-k, top-p, min-p in
// the order of transformers' logits processors, then Gumbel-max; temperature 0 takes the largest logit.
// Thresholds are found by bisection on the floats' ordered bit patterns: no sort, any vocabulary.
// Then the sequence's state advances. LANES invocations share a slot.
// logits f32 [rows, stride]; slots u32 [slots, 2] = logits row, sequence; sequences u32 [S, 8] (see decodeState.ts);
// state u32 [S, 2 + maxNew] = length, done, tokens; masks u32: words of suppressed ids, words of end ids, then per
// sequence the words of ids seen so far.
// import lib/grid.wgsl
// import lib/row_reduce.wgsl
// import lib/random.wgsl
const EMIT: bool = false; // spec write the processed probabilities over the logits and sample nothing

struct Params {
  slots: u32,
  vocab: u32,
  stride: u32,
  maxNew: u32,
  key0: u32,
  key1: u32,
  temperature: f32,
  topK: u32,
  topP: f32,
  minP: f32,
  penalty: f32,
}

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> slots: array<vec2u>;
@group(0) @binding(2) var<storage, read> sequences: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> state: array<u32>;
@group(0) @binding(4) var<storage, read_write> masks: array<u32>;
@group(0) @binding(5) var<uniform> params: Params;

const LOWEST: f32 = -3.0e38f;

fn bit(words: u32, v: u32) -> bool {
  return (masks[words + v / 32u] & (1u << (v % 32u))) != 0u;
}

// Larger floats have larger keys.
fn ordered(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

// The logit after penalty, suppression and temperature.
fn processed(base: u32, seen: u32, v: u32) -> f32 {
  var value = logits[base + v];
  if (params.penalty != 1.0f && bit(seen, v)) {
    value = select(value * params.penalty, value / params.penalty, value > 0.0f);
  }
  if (bit(0u, v)) {
    return LOWEST;
  }
  if (params.temperature > 0.0f) {
    value /= params.temperature;
  }
  return clamp(value, LOWEST, -LOWEST);
}

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let slot = flat_index(group, groups, 1u) * ROWS + local.y;
  let live = slot < params.slots;
  let lane = local.x;
  let where_ = slots[min(slot, params.slots - 1u)];
  let base = where_.x * params.stride;
  let sequence = where_.y;
  let words = (params.vocab + 31u) / 32u;
  let seen = (2u + sequence) * words;

  var highest = LOWEST;
  for (var v = lane; v < params.vocab; v += LANES) {
    highest = max(highest, processed(base, seen, v));
  }
  let top = row_max(highest, lane, local.y);

  // The smallest key that stays.
  var floorKey = 0u;
  if (params.topK > 0u && params.topK < params.vocab) {
    for (var b = 0u; b < 32u; b++) {
      let candidate = floorKey | (0x80000000u >> b);
      var count = 0.0f;
      for (var v = lane; v < params.vocab; v += LANES) {
        count += select(0.0f, 1.0f, ordered(processed(base, seen, v)) >= candidate);
      }
      if (row_sum(count, lane, local.y) >= f32(params.topK)) {
        floorKey = candidate;
      }
    }
  }
  if (params.topP < 1.0f) {
    var mass = 0.0f;
    for (var v = lane; v < params.vocab; v += LANES) {
      let value = processed(base, seen, v);
      mass += select(0.0f, exp(value - top), ordered(value) >= floorKey);
    }
    let wanted = params.topP * row_sum(mass, lane, local.y);
    var key = 0u;
    for (var b = 0u; b < 32u; b++) {
      let candidate = key | (0x80000000u >> b);
      var above = 0.0f;
      for (var v = lane; v < params.vocab; v += LANES) {
        let value = processed(base, seen, v);
        above += select(0.0f, exp(value - top), ordered(value) >= max(candidate, floorKey));
      }
      if (row_sum(above, lane, local.y) >= wanted) {
        key = candidate;
      }
    }
    floorKey = max(floorKey, min(key, ordered(top)));
  }

  if (EMIT) {
    var mass = 0.0f;
    for (var v = lane; v < params.vocab; v += LANES) {
      let value = processed(base, seen, v);
      let stays = ordered(value) >= floorKey && exp(value - top) >= params.minP && value > LOWEST;
      mass += select(0.0f, exp(value - top), stays);
    }
    let total = row_sum(mass, lane, local.y);
    for (var v = lane; v < params.vocab; v += LANES) {
      let value = processed(base, seen, v);
      let stays = ordered(value) >= floorKey && exp(value - top) >= params.minP && value > LOWEST;
      if (live) {
        logits[base + v] = select(0.0f, exp(value - top) / total, stays);
      }
    }
    return;
  }

  let length = state[sequence * (2u + params.maxNew)];
  let tag = sequences[sequence * 2u + 1u].xy;
  let own = threefry2x32(threefry2x32(vec2u(params.key0, params.key1), tag), vec2u(length, 0u));
  var best = LOWEST;
  var bestToken = 0u;
  for (var v = lane; v < params.vocab; v += LANES) {
    var value = processed(base, seen, v);
    let stays = ordered(value) >= floorKey && exp(value - top) >= params.minP && value > LOWEST;
    if (stays) {
      if (params.temperature > 0.0f) {
        value += gumbel(threefry2x32(own, vec2u(v, 0u)).x);
      }
      if (value > best) {
        best = value;
        bestToken = v;
      }
    }
  }
  let winner = row_max(best, lane, local.y);
  let token = u32(-row_max(select(-1.6777216e7f, -f32(bestToken), best == winner), lane, local.y));
  if (!live || lane != 0u) {
    return;
  }
  let at = sequence * (2u + params.maxNew);
  if (state[at + 1u] == 0u && length < params.maxNew) {
    state[at + 2u + length] = token;
    state[at] = length + 1u;
    masks[seen + token / 32u] |= 1u << (token % 32u);
    if (bit(words, token) || length + 1u == params.maxNew) {
      state[at + 1u] = 1u;
    }
  }
}
