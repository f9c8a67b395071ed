// dx[t, c] = rstd (g - x rstd^2 mean_c(g x)) with g = dy * weight, added to dx (the residual's own gradient) or written.
// dy, x, dx f32 [T, C]; weight f32 [C]; rstd f32 [T].
// import lib/grid.wgsl
// import lib/row_reduce.wgsl
const ADD: bool = true; // spec

struct Params {
  rows: u32,
  c4: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let row = flat_index(group, groups, 1u) * ROWS + local.y;
  let live = row < params.rows;
  let safe = min(row, params.rows - 1u);
  let base = safe * params.c4;
  let scale = rstd[safe];
  var product = 0.0f;
  for (var c = local.x; c < params.c4; c += LANES) {
    product += dot(dy[base + c] * weight[c], x[base + c]);
  }
  let total = row_sum(product, local.x, local.y);
  if (!live) {
    return;
  }
  let pull = scale * scale * total / f32(params.c4 * 4u);
  for (var c = local.x; c < params.c4; c += LANES) {
    var value = scale * (dy[base + c] * weight[c] - x[base + c] * pull);
    if (ADD) {
      value += dx[base + c];
    }
    dx[base + c] = value;
  }
}
