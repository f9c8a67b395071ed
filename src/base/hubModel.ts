// A model on the Hugging Face hub, as those who ask for it, fetch it, store it and show it know it. Types and plain
// facts; nothing here asks anything of anybody.

/** Where a repository lies, and what of it. */
export interface HubAddress {
  /** `owner/name` */
  id: string;
  /** Branch, tag or commit. */
  revision: string;
}

/** One file of a model: git's own hash for small ones, the content's SHA-256 for those in large file storage. */
export interface HubFile {
  /** Its name in the repository's root. */
  name: string;
  bytes: number;
  algorithm: 'sha256' | 'gitSha1';
  /** Hex. */
  hash: string;
}

/** What the model card says of the terms; shown, never judged. */
export interface HubLicence {
  /** The card's `license_name`, else its `license`. */
  name: string;
  /** An https address; null where the card has none. */
  link: string | null;
}

/** All that is known of a model before its weights are fetched. */
export interface HubModel extends HubAddress {
  /** The hub that it is fetched from, e.g. `https://huggingface.co`. */
  endpoint: string;
  /** What the revision named when it was asked for; everything is fetched from here. */
  commit: string;
  /** null: the card names none. */
  licence: HubLicence | null;
  files: HubFile[];
  /** Of all files. */
  bytes: number;
}

/** A model of this browser's store. */
export interface StoredModel extends HubModel {
  /** `id@commit` */
  key: string;
  /** Epoch milliseconds. */
  createdAt: number;
}

/** A stored model with what is there of it. */
export interface StoredModelView extends StoredModel {
  /** Bytes that have arrived, of files that are whole and of those under way. */
  arrived: number;
  /** Every file is there and had its hash. */
  whole: boolean;
  /** The folder on disk that holds it; null: this browser's own storage. */
  folder: string | null;
}

/** How the hub is asked; the page's server may set it (hub.json). */
export interface HubSettings {
  /** Origin of the hub or of a mirror, without a slash at its end. */
  endpoint: string;
  /** Bytes asked for at once. */
  rangeBytes: number;
  connections: number;
  /** A connection that brings nothing for so long is given up. */
  idleMs: number;
  /** Failures in a row before a file is given up. */
  retries: number;
  /** Wait after the first failure; doubled after each further one. */
  retryMs: number;
  /** Bytes of a file in a folder on disk that are fetched again at most when the browser died. */
  folderKeepBytes: number;
}

/** Requests made of one host, and what came back. */
export interface HostTraffic {
  host: string;
  requests: number;
  receivedBytes: number;
}

/** The key of a model in the store. */
export function hubModelKey({ id, commit }: { id: string; commit: string }): string {
  return `${id}@${commit}`;
}
