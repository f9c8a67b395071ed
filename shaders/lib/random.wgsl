// Threefry-2x32 with 20 rounds (Salmon et al., SC11), the same function as src/base/random.ts.
fn threefry_round(x: vec2u, by: u32) -> vec2u {
  let sum = x.x + x.y;
  return vec2u(sum, ((x.y << by) | (x.y >> (32u - by))) ^ sum);
}

fn threefry2x32(key: vec2u, counter: vec2u) -> vec2u {
  let k2 = key.x ^ key.y ^ 0x1bd11bdau;
  var x = counter + key;
  x = threefry_round(threefry_round(threefry_round(threefry_round(x, 13u), 15u), 26u), 6u);
  x += vec2u(key.y, k2 + 1u);
  x = threefry_round(threefry_round(threefry_round(threefry_round(x, 17u), 29u), 16u), 24u);
  x += vec2u(k2, key.x + 2u);
  x = threefry_round(threefry_round(threefry_round(threefry_round(x, 13u), 15u), 26u), 6u);
  x += vec2u(key.x, key.y + 3u);
  x = threefry_round(threefry_round(threefry_round(threefry_round(x, 17u), 29u), 16u), 24u);
  x += vec2u(key.y, k2 + 4u);
  x = threefry_round(threefry_round(threefry_round(threefry_round(x, 13u), 15u), 26u), 6u);
  return x + vec2u(k2, key.x + 5u);
}

// 24 bits in [0, 1).
fn unit_float(word: u32) -> f32 {
  return f32(word >> 8u) * 5.9604644775390625e-8;
}

// A draw from the standard Gumbel distribution, -log(-log u), finite for every word.
// Large draws come from u near 1, where 24 bits are too few for a large vocabulary and WGSL's log may be off by 2^-21:
// so 1 - u has 32 bits, and a small one goes through the series of -log(1 - x) = 2 atanh(x / (2 - x)).
fn gumbel(word: u32) -> f32 {
  let x = (f32(word) + 0.5f) * 2.3283064365386963e-10f;
  let z = x / (2.0f - x);
  let z2 = z * z;
  let series = 2.0f * z * (1.0f + z2 * (0.33333333f + z2 * (0.2f + z2 * 0.14285714f)));
  return -log(select(-log(max(1.0f - x, 2.98023223876953125e-8f)), series, x < 0.25f));
}
