// A copy of a base model as a GPU takes it, kept in this browser beside or without its source. Types alone.

/** A file as it can be told from others without being read. */
export interface SourceFile {
  name: string;
  bytes: number;
  /** Epoch milliseconds; 0 where it has no date, because its bytes come with the page. */
  modifiedAt: number;
}

/** What is known of a copy that is whole. */
export interface ModelCopy {
  /** Hex: of all that its bytes depend on. It is the file's name, too. */
  key: string;
  /** What its source is called. */
  name: string;
  /** Of the source's weight files. */
  sourceBytes: number;
  /** The source's weight files as they were when the copy was made; records of older versions lack it. */
  sources?: SourceFile[];
  /** Of the copy's file. */
  bytes: number;
  /** Bytes of the manifest at the file's end. */
  manifestBytes: number;
  /** SHA-256 of the manifest, which has the hash of every piece. */
  sha256: string;
  /** Epoch milliseconds. */
  createdAt: number;
}

/** The end of a copy's file: what its pieces are. */
export interface CopyManifest {
  /** What lies in the pieces; the store does not look into it. */
  layout: unknown;
  /** In their order, from the file's first byte on, without gaps. */
  pieces: { bytes: number; sha256: string }[];
}
