// Text of a file's bytes. JavaScript, because the terminal reads recipes by the same rules before there is a page.

/**
 * Name of the UTF-16 or UTF-32 form that a file's first bytes show; null for anything else.
 * @param {Uint8Array} head @returns {string | null}
 */
export function wideEncoding(head) {
  const [a, b, c, d] = head;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'UTF-32 (little endian)' : 'UTF-16 (little endian)';
  if (a === 0xfe && b === 0xff) return 'UTF-16 (big endian)';
  if (head.length < 4) return null;
  // Without a mark: JSON starts with two ASCII characters, so zeros alternate.
  if (a !== 0 && b === 0 && c !== 0 && d === 0) return 'UTF-16 (little endian)';
  if (a === 0 && b !== 0 && c === 0 && d !== 0) return 'UTF-16 (big endian)';
  return null;
}

/**
 * Text of UTF-8 bytes without a byte order mark at their start; null when they are not UTF-8.
 * @param {Uint8Array} bytes @returns {string | null}
 */
export function decodeUtf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/**
 * Text of a JSON file's bytes, or what keeps it from being read: an encoding that is not UTF-8.
 * @param {Uint8Array} bytes @returns {{text: string} | {problem: string}}
 */
export function jsonFileText(bytes) {
  const wide = wideEncoding(bytes);
  if (wide !== null) return { problem: `the file is ${wide}; save it as UTF-8` };
  const text = decodeUtf8(bytes);
  return text === null ? { problem: 'the file is not valid UTF-8; save it as UTF-8' } : { text };
}
