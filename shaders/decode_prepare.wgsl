// The inputs of the next decode step, from each slot's sequence: its last token, its place in the rotary table, the
// cache row that its key and value go to, and the keys it sees (the prompt, then its own tokens so far).
// slots u32 [slots, 2]; sequences u32 [S, 8] = prefix start, prefix end, next position, first cache row, tag, tag, -, -;
// state u32 [S, 2 + maxNew]; outputs per slot: ids, tableRow, kvRow u32; ranges u32 [slots, 4].
// import lib/grid.wgsl

struct Params {
  slots: u32,
  maxNew: u32,
}

@group(0) @binding(0) var<storage, read> slots: array<vec2u>;
@group(0) @binding(1) var<storage, read> sequences: array<vec4u>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read_write> ids: array<u32>;
@group(0) @binding(4) var<storage, read_write> tableRow: array<u32>;
@group(0) @binding(5) var<storage, read_write> kvRow: array<u32>;
@group(0) @binding(6) var<storage, read_write> ranges: array<vec4u>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let slot = flat_index(id, groups, 64u);
  if (slot >= params.slots) {
    return;
  }
  let sequence = slots[slot].y;
  let info = sequences[sequence * 2u];
  let at = sequence * (2u + params.maxNew);
  let last = max(state[at], 1u) - 1u;
  ids[slot] = state[at + 2u + last];
  tableRow[slot] = info.z + last;
  kvRow[slot] = info.w + last;
  ranges[slot] = vec4u(info.x, info.y, info.w, info.w + last + 1u);
}
