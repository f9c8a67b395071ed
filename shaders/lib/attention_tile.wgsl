// What attention's tiles share. A tile's rows are (query row, query head of one key head), heads fastest: neighbours
// see nearly the same keys, so few keys are taken in vain. Keys are taken KEYS at a time, from the next one that any row
// of the tile sees.
const GROUP: u32 = 8u; // spec query heads that share a key head
const KEYS: u32 = 32u;

// Bits 0 .. n - 1 (n at most 32).
fn bits_below(n: u32) -> u32 {
  return select((1u << (n & 31u)) - 1u, 0xffffffffu, n >= 32u);
}

// Bit j: the keys start .. end - 1 have key j0 + j.
fn bits_between(start: u32, end: u32, j0: u32) -> u32 {
  return bits_below(clamp(end, j0, j0 + KEYS) - j0) & ~bits_below(clamp(start, j0, j0 + KEYS) - j0);
}

// Bit j: a row of these ranges sees key j0 + j.
fn bits_seen(range: vec4u, j0: u32) -> u32 {
  return bits_between(range.x, range.y, j0) | bits_between(range.z, range.w, j0);
}

// Complement of the first key from `from` on that a row of these ranges sees; 0 if there is none.
fn next_seen(range: vec4u, start: u32) -> u32 {
  let a = max(range.x, start);
  let b = max(range.z, start);
  return max(select(0u, ~a, a < range.y), select(0u, ~b, b < range.w));
}

// sum + a . b, as a chain of multiply-adds
fn add_dot(sum: f32, a: vec4f, b: vec4f) -> f32 {
  return sum + a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
}

// Where tile row r of a key head lies among the rows of [T, H].
fn head_of(r: u32, kvHead: u32) -> u32 {
  return r / GROUP * params.heads + kvHead * GROUP + r % GROUP;
}
