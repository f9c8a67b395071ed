// What of a compiled kernel's figures is looked at, and when one of them has become worse. Pure.

/**
 * A kernel on a chip.
 * @typedef {object} Figures
 * @property {string} name @property {string} family
 * @property {number} vgprs registers of a lane @property {number} spills registers that went to memory
 * @property {number} scratch bytes a lane @property {number} lds bytes of workgroup memory
 * @property {number} waves that a SIMD holds at a time
 * @property {number | null} instructions of the loop that loads a tile; this and what follows null without a loop
 * @property {number | null} fma percent of those instructions; a dual one counts once
 * @property {number | null} ldsPerFma accesses of workgroup memory for each FMA operation; a dual one has two
 * @property {number | null} loads accesses of memory in the loop
 * @property {number | null} fmasPerLoad FMA operations for each of those
 */

const rounded = (value, digits) => Number(value.toFixed(digits));

/** Figures of a row that isa.py wrote. @returns {Figures} */
export function figuresOf(row) {
  const loop = row.tileLoop ?? row.hotLoop;
  const own = { name: row.name, family: row.family, vgprs: row.vgprs, spills: row.spilledVgprs };
  const rest = { scratch: row.scratchBytes, lds: row.ldsBytes, waves: row.waves };
  if (!loop) return { ...own, ...rest, instructions: null, fma: null, ldsPerFma: null, loads: null, fmasPerLoad: null };
  const operations = loop.fmaOperations;
  return {
    ...own,
    ...rest,
    instructions: loop.instructions,
    fma: rounded((100 * loop.fma) / loop.instructions, 1),
    ldsPerFma: operations > 0 ? rounded(loop.lds / operations, 3) : null,
    loads: loop.memory,
    fmasPerLoad: loop.memory > 0 ? rounded(operations / loop.memory, 1) : null,
  };
}

/** Below this share a loop does something else than arithmetic, and a few instructions more or less say nothing. */
const LEAST_FMA = 20;
const LEAST_WAVES = 4;

/** A loop's figures in which a kernel is worse than the table has it. */
function worseInLoop(before, now) {
  if (before.fma === null || before.fma < LEAST_FMA) return [];
  const most = Math.max(before.ldsPerFma * 1.15, before.ldsPerFma + 0.02);
  return [
    now.fma < before.fma - 3 ? 'fma' : null,
    now.ldsPerFma > most ? 'ldsPerFma' : null,
    (now.fmasPerLoad ?? Infinity) < (before.fmasPerLoad ?? Infinity) * 0.8 ? 'fmasPerLoad' : null,
  ];
}

/**
 * Fewer waves, by more than an eighth. Where they are the price of more arithmetic in the loop, and are not too few to
 * hide what memory takes, they are not worse.
 */
function holdsFewer(before, now) {
  const paid = now.waves >= LEAST_WAVES && before.fma >= LEAST_FMA && now.fma > before.fma + 3;
  return now.waves < before.waves * 0.875 && !paid;
}

const WORDS = {
  spills: 'spilled registers',
  scratch: 'bytes of scratch',
  waves: 'waves',
  fma: '% FMA',
  ldsPerFma: 'workgroup-memory accesses per FMA',
  fmasPerLoad: 'FMAs per load',
};

/** What is worse than in the table; of a kernel that the table does not have, what must not be. */
function faults(before, now) {
  const worse = ['spills', 'scratch'].filter((key) => now[key] > (before?.[key] ?? 0));
  if (before) worse.push(holdsFewer(before, now) ? 'waves' : null, ...worseInLoop(before, now));
  return worse
    .filter(Boolean)
    .map((key) => `${now[key] ?? 'no'} ${WORDS[key]}${before ? `, was ${before[key] ?? 'none'}` : ''}`);
}

const keyOf = ({ name, family }) => `${name}, ${family}`;

/**
 * @param {Figures[]} table @param {Figures[]} rows of now
 * @returns {{regressions: string[], added: string[], gone: string[]}} by kernel and chip
 */
export function compared(table, rows) {
  const known = new Map(table.map((row) => [keyOf(row), row]));
  const here = new Set(rows.map(keyOf));
  const regressions = rows.flatMap((row) => {
    const found = faults(known.get(keyOf(row)), row);
    return found.length > 0 ? [`${keyOf(row)}: ${found.join('; ')}`] : [];
  });
  return {
    regressions,
    added: rows.map(keyOf).filter((key) => !known.has(key)),
    gone: table.map(keyOf).filter((key) => !here.has(key)),
  };
}
