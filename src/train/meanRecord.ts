// Means of metrics over micro-batches and rollouts, as TRL logs them.

/** Means by name over the records that have a number there. */
export function meanRecord(records: readonly Record<string, number>[]): Record<string, number> {
  const names = new Set(records.flatMap(Object.keys));
  return Object.fromEntries(
    [...names].map((name) => {
      const values = records.map((record) => record[name]).filter((value) => value !== undefined);
      return [name, values.reduce((total, value) => total + value, 0) / values.length];
    }),
  );
}
