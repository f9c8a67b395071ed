// exp(x) for x <= 0 or moderate x, to about one unit in the last place. WGSL allows its own exp an error that grows
// with |x| (3 + 2|x| units), which log-sum-exp and softmax gradients would pass on.
// x = n ln 2 + r with ln 2 in two parts (Cody and Waite), e^r by its series on |r| <= ln 2 / 2.
fn exact_exp(x: f32) -> f32 {
  let n = round(clamp(x, -87.0f, 88.0f) * 1.44269504f);
  let r = (clamp(x, -87.0f, 88.0f) - n * 0.693359375f) + n * 2.12194440e-4f;
  var e = 1.98412698e-4f;
  e = e * r + 1.38888889e-3f;
  e = e * r + 8.33333333e-3f;
  e = e * r + 4.16666667e-2f;
  e = e * r + 1.66666667e-1f;
  e = e * r + 0.5f;
  let power = bitcast<f32>(u32(i32(n) + 127) << 23u);
  return select(0.0f, power + power * (r + r * r * e), x > -87.0f);
}

fn exact_exp4(x: vec4f) -> vec4f {
  return vec4f(exact_exp(x.x), exact_exp(x.y), exact_exp(x.z), exact_exp(x.w));
}
