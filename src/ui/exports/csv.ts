// Writes rows as CSV (RFC 4180, with line feeds). Must not know what the rows mean.

type CsvRow = Record<string, number | string | undefined>;

/** The columns of rows, in order of first appearance. */
export function csvColumns(rows: Iterable<CsvRow>): string[] {
  const columns = new Set<string>();
  for (const row of rows) for (const column of Object.keys(row)) columns.add(column);
  return [...columns];
}

/** The header of a table with these columns. */
export function csvHead(columns: readonly string[]): string {
  return columns.map(cell).join(',') + '\n';
}

/**
 * One line per row; absent values are empty. Numbers are printed as JavaScript prints them (shortest form that reads
 * back equal); NaN and infinities are empty.
 */
export function csvLines(rows: readonly CsvRow[], columns: readonly string[]): string {
  const line = (row: CsvRow): string =>
    columns.map((column) => cell(Object.hasOwn(row, column) ? row[column] : undefined)).join(',') + '\n';
  return rows.map(line).join('');
}

function cell(value: number | string | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
