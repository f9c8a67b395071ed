// Views and hashes of bytes.

/** The bytes that a typed array shows; shares its memory. */
export function bytesOf<Buffer extends ArrayBufferLike>({
  buffer,
  byteOffset,
  byteLength,
}: ArrayBufferView<Buffer>): Uint8Array<Buffer> {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** SHA-256 as 64 hex digits. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
