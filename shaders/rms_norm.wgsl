// y[t, c] = x[t, c] * rstd[t] * weight[c],  rstd[t] = 1 / sqrt(mean_c x^2 + eps)
// LANES invocations share a row. x, y f32 [T, C]; weight f32 [C]; rstd f32 [T] is saved for the backward pass.
// import lib/grid.wgsl
// import lib/row_reduce.wgsl

struct Params {
  rows: u32,
  c4: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let row = flat_index(group, groups, 1u) * ROWS + local.y;
  let live = row < params.rows;
  let base = min(row, params.rows - 1u) * params.c4;
  var squares = 0.0f;
  for (var c = local.x; c < params.c4; c += LANES) {
    let value = x[base + c];
    squares += dot(value, value);
  }
  let total = row_sum(squares, local.x, local.y);
  let scale = 1.0f / sqrt(total / f32(params.c4 * 4u) + params.eps);
  if (!live) {
    return;
  }
  for (var c = local.x; c < params.c4; c += LANES) {
    y[base + c] = x[base + c] * scale * weight[c];
  }
  if (local.x == 0u) {
    rstd[row] = scale;
  }
}
