// Writes rows as JSON Lines. Reading user data is another file's job, since it must report errors by line.

/** One JSON object per line, each ended by a line feed. U+2028 and U+2029 are escaped: some readers split there. */
export function toJsonl(rows: readonly object[]): string {
  return rows.map((row) => JSON.stringify(row).replace(/[\u2028\u2029]/g, escape) + '\n').join('');
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16)}`;
}
