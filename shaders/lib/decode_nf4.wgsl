// Four consecutive weights of NormalFloat4 (QLoRA): a level of the table times the largest magnitude of its block.
// Two codes to a byte, the earlier one in the high half, as bitsandbytes packs them; a word of `w` holds eight. Blocks
// are 64 neighbours in the order of the buffer, whatever the rows are: scales f32, one to a block.
alias Stored4 = u32;

@group(0) @binding(7) var<storage, read> scales: array<f32>;

const NF4_LEVELS = array<f32, 16>(
  -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
  -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
  0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
  0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
);

/** Weights 4*at .. 4*at+3 of the buffer `w`. */
fn weight4(at: u32) -> vec4f {
  let codes = w[at >> 1u] >> ((at & 1u) * 16u);
  return scales[at >> 4u] * vec4f(
    NF4_LEVELS[(codes >> 4u) & 15u],
    NF4_LEVELS[codes & 15u],
    NF4_LEVELS[(codes >> 12u) & 15u],
    NF4_LEVELS[(codes >> 8u) & 15u],
  );
}
