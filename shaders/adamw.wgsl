// One AdamW step (PyTorch: decoupled decay, eps after the root of the bias-corrected second moment) on a flat adapter,
// after clipping by the global norm: g *= min(1, maxNorm / (norm + 1e-6)). maxNorm 0: no clipping.
// partials f32 [64] from sum_squares; norm f32 [1] receives the norm before clipping. Where it is not finite nothing
// else is written: weight and both moments stay those of the last whole step.
// import lib/grid.wgsl

struct Params {
  count: u32,
  learningRate: f32,
  beta1: f32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  epsilon: f32,
  weightDecay: f32,
  correction1: f32,
  correction2Root: f32,
  maxNorm: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> moment1: array<f32>;
@group(0) @binding(4) var<storage, read_write> moment2: array<f32>;
@group(0) @binding(5) var<storage, read_write> norm: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = flat_index(id, groups, 64u);
  var squares = 0.0f;
  for (var i = 0u; i < 64u; i++) {
    squares += partials[i];
  }
  let total = sqrt(squares);
  if (at == 0u) {
    norm[0] = total;
  }
  // By its bits: WGSL lets a compiler take floats for finite.
  let finite = (bitcast<u32>(total) & 0x7f800000u) != 0x7f800000u;
  if (at >= params.count || !finite) {
    return;
  }
  var g = gradient[at];
  if (params.maxNorm > 0.0f) {
    g *= min(1.0f, params.maxNorm / (total + 1.0e-6f));
  }
  let m = params.beta1 * moment1[at] + params.oneMinusBeta1 * g;
  let v = params.beta2 * moment2[at] + params.oneMinusBeta2 * g * g;
  moment1[at] = m;
  moment2[at] = v;
  let kept = weight[at] * (1.0f - params.learningRate * params.weightDecay);
  let denominator = sqrt(v) / params.correction2Root + params.epsilon;
  weight[at] = kept - params.learningRate / params.correction1 * m / denominator;
}
