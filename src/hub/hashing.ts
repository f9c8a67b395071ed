// Hashes of files that arrive in pieces. The browser's own digest wants a file whole, so these are in JavaScript.

import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { HubFile } from '../base/hubModel';

export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Hex; nothing may be added after it. */
  digest(): string;
}

/** A hash of the kind that the hub lists for a file: SHA-256 of its bytes, or git's SHA-1 of a blob. */
export function hasherOf({ algorithm, bytes }: Pick<HubFile, 'algorithm' | 'bytes'>): Hasher {
  const hash = algorithm === 'sha256' ? sha256.create() : sha1.create();
  // git hashes a blob with its kind and length before it.
  if (algorithm === 'gitSha1') hash.update(utf8ToBytes(`blob ${bytes}\0`));
  return {
    update: (piece) => void hash.update(piece),
    digest: () => bytesToHex(hash.digest()),
  };
}
