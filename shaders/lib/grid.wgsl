// Places in a dispatch whose sizes were folded: one dimension takes 65,535 workgroups (src/gpu/grid.ts folds).

// Index of an invocation in a grid of one dimension; `size` invocations to a workgroup.
fn flat_index(id: vec3u, groups: vec3u, size: u32) -> u32 {
  return id.y * groups.x * size + id.x;
}

// Row of an invocation in a grid of columns and rows; `size` rows to a workgroup.
fn grid_row(id: vec3u, groups: vec3u, size: u32) -> u32 {
  return id.z * groups.y * size + id.y;
}
