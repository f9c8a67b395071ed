// Pieces of a file that several connections bring, gathered into larger writes. Pure.

/** Bytes that are written at once. A stream's write costs about the same for 64 KB, as the network brings them, as for this. */
const GATHER_BYTES = 2 ** 20;
/** More than that are not begun at a time: those of ranges that ended within a megabyte would pile up. */
const MOST = 8;

interface Run {
  at: number;
  bytes: Uint8Array<ArrayBuffer>;
}

export interface Gathering {
  /** Takes a piece. @returns what is to be written now; the piece's bytes are copied */
  add(piece: Uint8Array, at: number): Run[];
  /** All that was taken and not returned yet. */
  drain(): Run[];
}

interface Open {
  at: number;
  length: number;
  bytes: Uint8Array<ArrayBuffer>;
}

const finished = ({ at, length, bytes }: Open): Run => ({ at, bytes: bytes.subarray(0, length) });

/** Nothing is gathered yet. */
export function createGathering(): Gathering {
  let runs: Open[] = [];
  const take = (run: Open): Run => {
    runs = runs.filter((one) => one !== run);
    return finished(run);
  };
  const begin = (at: number): Open => {
    const run: Open = { at, length: 0, bytes: new Uint8Array(GATHER_BYTES) };
    runs.push(run);
    return run;
  };
  return {
    add: (piece, at) => {
      const full: Run[] = [];
      for (let from = 0; from < piece.byteLength;) {
        const run = runs.find((one) => one.at + one.length === at + from) ?? begin(at + from);
        const part = piece.subarray(from, from + GATHER_BYTES - run.length);
        run.bytes.set(part, run.length);
        run.length += part.byteLength;
        from += part.byteLength;
        if (run.length === GATHER_BYTES) full.push(take(run));
      }
      while (runs.length > MOST) full.push(take(runs[0]!));
      return full;
    },
    drain: () => runs.splice(0).map(finished),
  };
}
