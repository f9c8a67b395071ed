// Pearson's chi-square test of counts against probabilities, with its p-value. For tests only.

/** Fewest expected counts of a cell: cells below are joined, or the statistic is not chi-square distributed. */
const LEAST_EXPECTED = 5;

/** ln Gamma(x) for x > 0, by Stirling's series after x is raised to 10 or more. */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < 10; y++) shift += Math.log(y);
  const inverse = 1 / y;
  const series = inverse / 12 - inverse ** 3 / 360 + inverse ** 5 / 1260 - inverse ** 7 / 1680;
  return (y - 0.5) * Math.log(y) - y + Math.log(2 * Math.PI) / 2 + series - shift;
}

/** The continued fraction of Gamma(a, x) / (x^a e^-x), evaluated from the front (Lentz). */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let value = d;
  for (let i = 1; i < 1000; i++) {
    const factor = -i * (i - a);
    b += 2;
    d = 1 / (factor * d + b);
    c = b + factor / c;
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return value;
}

/**
 * The chance that a chi-square variable with `degrees` degrees of freedom exceeds `statistic`: the regularised upper
 * incomplete gamma function Q(degrees / 2, statistic / 2), by its series or its continued fraction.
 */
export function chiSquareTail(statistic: number, degrees: number): number {
  const [a, x] = [degrees / 2, statistic / 2];
  if (x <= 0) return 1;
  if (!Number.isFinite(x)) return 0;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x >= a + 1) return scale * upperFraction(a, x);
  let term = 1 / a;
  let sum = term;
  for (let n = 1; term > sum * 1e-17; n++) sum += term *= x / (a + n);
  return 1 - scale * sum;
}

/**
 * The p-value of counts under probabilities: how often right draws look as bad or worse.
 * @param probabilities of every cell; a count in a cell of probability 0 gives 0
 * @returns 1 when all draws must fall into one cell, and do
 */
export function chiSquarePValue(counts: readonly number[], probabilities: ArrayLike<number>): number {
  const draws = counts.reduce((a, b) => a + b, 0);
  const cells = counts
    .map((count, i) => ({ count, expected: probabilities[i]! * draws }))
    .sort((a, b) => b.expected - a.expected);
  if (cells.some(({ count, expected }) => expected === 0 && count > 0)) return 0;
  const joined = cells.filter(({ expected }) => expected >= LEAST_EXPECTED);
  const rest = { count: 0, expected: 0 };
  for (const { count, expected } of cells.slice(joined.length)) {
    rest.count += count;
    rest.expected += expected;
  }
  if (rest.expected >= LEAST_EXPECTED) joined.push(rest);
  else {
    const last = joined.at(-1);
    if (!last) throw new RangeError(`chiSquare: ${draws} draws over ${cells.length} cells are too few`);
    last.count += rest.count;
    last.expected += rest.expected;
  }
  if (joined.length === 1) return 1;
  const statistic = joined.reduce((sum, { count, expected }) => sum + (count - expected) ** 2 / expected, 0);
  return chiSquareTail(statistic, joined.length - 1);
}
