// One running index over a dispatch of up to two dimensions: 65,535 workgroups in one are too few for long buffers.
fn flat_index(id: vec3u, groups: vec3u, size: u32) -> u32 {
  return id.y * groups.x * size + id.x;
}
