// What attention's tile kernels have in workgroup memory: first a slice of TILE rows and of KEYS keys, then a weight for each
// row and key with OUT_ROWS rows of what it weighs.
// import lib/attention_tile.wgsl
const D4: u32 = 32u; // spec head size / 4
const LANES: u32 = 128u; // spec invocations: 128, or more where the outputs need them
const SLICE4: u32 = 8u; // spec divides D4: what rows and keys have in workgroup memory at a time
const OUT_ROWS: u32 = 8u; // spec 8, 16 or 32
const TILE: u32 = 64u;
const STRIDE: u32 = SLICE4 | 1u; // odd: rows that are read together lie in different banks
const KEY_AT: u32 = TILE * STRIDE;
const WEIGHT_STRIDE: u32 = 9u;
const OUT_AT: u32 = TILE * WEIGHT_STRIDE;

var<workgroup> pool: array<vec4f, max((TILE + KEYS) * STRIDE, OUT_AT + OUT_ROWS * D4)>;
