// Quantizes whole blocks of 64 weights to NF4: the largest magnitude of each, and a code of 4 bits for x / maximum.
// One invocation a block. w: weights in their stored type, blocks * 64 of them; codes u32 [8 * blocks], two codes to a
// byte, the earlier in the high half; maxima f32 [blocks]. Both begin at block `firstBlock`.
// Equal to bitsandbytes bit for bit, which multiplies by the f32 reciprocal of the maximum. WGSL allows a division an
// error of 2.5 units, which would flip a code now and then: the reciprocal is a long division of integers here.
// import lib/decode_f32.wgsl
// import lib/grid.wgsl

struct Params {
  blocks: u32,
  firstBlock: u32,
}

@group(0) @binding(0) var<storage, read> w: array<Stored4>;
@group(0) @binding(1) var<storage, read_write> codes: array<u32>;
@group(0) @binding(2) var<storage, read_write> maxima: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

// Up to the first bound a scaled value has code 0, up to the second code 1, ...: the middles between two levels.
const BOUNDS = array<f32, 15>(
  -0.8480963706970215f, -0.6106328964233398f, -0.4599952697753906f, -0.33967941999435425f, -0.23460739850997925f,
  -0.13791173696517944f, -0.045525018125772476f, 0.03979014977812767f, 0.120255246758461f, 0.2035212516784668f,
  0.2920137643814087f, 0.3893125355243683f, 0.5016634464263916f, 0.6427869200706482f, 0.8614784479141235f,
);

/** 1 / x to the nearest f32, for x from 2^-126 to 2^125; 0 for smaller x. */
fn reciprocal(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let exponent = bits >> 23u;
  if (exponent == 0u) {
    return 0.0f;
  }
  let mantissa = (bits & 0x7fffffu) | 0x800000u;
  if (mantissa == 0x800000u) {
    return bitcast<f32>((254u - exponent) << 23u);
  }
  // 2^47 / mantissa, bit by bit. There are no ties: twice an odd multiple of the mantissa is no power of two.
  var quotient = 0u;
  var rest = 0x800000u;
  for (var i = 0u; i < 24u; i++) {
    rest <<= 1u;
    quotient <<= 1u;
    if (rest >= mantissa) {
      rest -= mantissa;
      quotient |= 1u;
    }
  }
  quotient += select(0u, 1u, 2u * rest > mantissa);
  return bitcast<f32>(((253u - exponent) << 23u) | (quotient & 0x7fffffu));
}

/** Two bytes of codes of four scaled values. */
fn codes_of(scaled: vec4f) -> u32 {
  var code = vec4u();
  for (var i = 0u; i < 15u; i++) { // unroll
    code += select(vec4u(), vec4u(1u), scaled > vec4f(BOUNDS[i]));
  }
  return (code.x << 4u) | code.y | (code.z << 12u) | (code.w << 8u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let block = flat_index(id, groups, 64u);
  if (block >= params.blocks) {
    return;
  }
  var top = 0.0f;
  for (var i = 0u; i < 16u; i++) {
    let four = abs(weight4(block * 16u + i));
    top = max(top, max(max(four.x, four.y), max(four.z, four.w)));
  }
  let inverse = reciprocal(top);
  for (var i = 0u; i < 8u; i++) {
    let low = codes_of(weight4(block * 16u + 2u * i) * inverse);
    let high = codes_of(weight4(block * 16u + 2u * i + 1u) * inverse);
    codes[(params.firstBlock + block) * 8u + i] = low | (high << 16u);
  }
  // A subnormal maximum counts as none, on GPUs that keep such numbers too.
  maxima[params.firstBlock + block] = select(top, 0.0f, inverse == 0.0f);
}
