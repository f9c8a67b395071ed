// The records of a dataset that data, storage, the workers and the page share. Types only.

/** A dropped or picked file with its path inside the drop, `/`-separated. */
export interface InputFile {
  path: string;
  file: Blob;
}

export type Split = 'train' | 'val';

/** One checked row of a dataset, in MMHERC's form. */
export interface DatasetRow {
  /** sha256 of the image file's bytes, hex: its key in storage. */
  image: string;
  /** The image's name as the row writes it. */
  imageName: string;
  question: string;
  thought: string;
  answer: string;
  split: Split;
  /** Path of the file that holds the row. */
  file: string;
  /** 1-based line; in a JSON array the 1-based element. */
  line: number;
  /** Image tokens included; absent when the tokenizer's files were not at hand at the import. */
  promptTokens?: number;
  targetTokens?: number;
}

/** An image's small JPEGs, one for each way of loading it. */
export interface Thumbnails {
  library: Uint8Array<ArrayBuffer>;
  /** Left out where it shows the same pixels. */
  recipe?: Uint8Array<ArrayBuffer>;
}

/** A stored picture's size, from its file's header: enough for grids and token counts. */
export interface PictureSize {
  /** Pixels as stored. */
  width: number;
  height: number;
  /** EXIF orientation, 1 to 8; 1 is upright, and 5 to 8 swap the sides. */
  orientation: number;
}

/** An option of the recipe that mends a problem, with its value. */
export interface Mend {
  option: 'max_pixels';
  value: number;
}

/** One problem of an import; the rest of the data stays usable. */
export interface ImportProblem {
  level: 'error' | 'warning';
  code: string;
  /** File path inside the drop. */
  file: string;
  /** 1-based line, when the problem has one. */
  line?: number;
  message: string;
  /** Left out where no setting mends it. */
  mend?: Mend;
}

/** Counts over rows, in tokens. */
export interface TokenStats {
  min: number;
  max: number;
  mean: number;
}

export interface DatasetInfo {
  /** The first 16 hex digits of a hash over rows and images: the same data has the same id. */
  id: string;
  name: string;
  /** Epoch milliseconds. */
  createdAt: number;
  trainRows: number;
  valRows: number;
  /** Distinct images. */
  images: number;
  /** Bytes of the distinct images. */
  bytes: number;
  /** Images whose EXIF orientation turns or mirrors them; absent in datasets of older versions. */
  turnedImages?: number;
  /** Images that are not all opaque; absent in datasets of older versions. */
  transparentImages?: number;
  /** null when the tokenizer's files were not at hand. */
  promptTokens: TokenStats | null;
  targetTokens: TokenStats | null;
  problems: ImportProblem[];
}
