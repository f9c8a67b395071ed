// Sums and maxima over the LANES invocations that share one row; ROWS rows to a workgroup.
// LANES = 1 (software adapters) needs no workgroup memory traffic and no barrier.
const LANES: u32 = 64u; // spec
const ROWS: u32 = 1u; // spec

var<workgroup> row_scratch: array<f32, LANES * ROWS>;

fn row_sum(value: f32, lane: u32, row: u32) -> f32 {
  if (LANES == 1u) {
    return value;
  }
  row_scratch[row * LANES + lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      row_scratch[row * LANES + lane] += row_scratch[row * LANES + lane + half];
    }
    workgroupBarrier();
  }
  let total = row_scratch[row * LANES];
  workgroupBarrier();
  return total;
}

fn row_max(value: f32, lane: u32, row: u32) -> f32 {
  if (LANES == 1u) {
    return value;
  }
  row_scratch[row * LANES + lane] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      let at = row * LANES + lane;
      row_scratch[at] = max(row_scratch[at], row_scratch[at + half]);
    }
    workgroupBarrier();
  }
  let top = row_scratch[row * LANES];
  workgroupBarrier();
  return top;
}
