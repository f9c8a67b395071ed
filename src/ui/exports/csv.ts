// Writes rows as CSV (RFC 4180, with line feeds). Must not know what the rows mean.

/**
 * One line per row under a header of all columns, in order of first appearance; absent values are empty.
 * Numbers are printed as JavaScript prints them (shortest form that reads back equal); NaN and infinities are empty.
 */
export function toCsv(rows: Record<string, number | string | undefined>[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => columns.map((column) => cell(Object.hasOwn(row, column) ? row[column] : undefined)));
  return [columns.map(cell), ...lines].map((line) => line.join(',') + '\n').join('');
}

function cell(value: number | string | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
