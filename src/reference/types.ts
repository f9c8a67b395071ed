// What a verifier of one reference group gets and gives. The harness (run.ts) prints and counts.

/** A tensor of a reference file, decoded: floats as Float32Array, integers as Int32Array, bytes as Uint8Array. */
export interface ReferenceTensor {
  shape: number[];
  data: Float32Array | Int32Array | Uint8Array;
}

/** A family of kernels: the engine's adapter classes, which this folder may not name. */
export type KernelVariant = 'software' | 'gpu';

/** One entry of manifest.json `cases`. */
export interface ReferenceCase {
  id: string;
  kind: string;
  path: string;
  files: string[];
  base?: string;
}

/** A folder in the format of the numeric reference (format version 1). Paths are relative to the folder. */
export interface ReferenceFolder {
  cases: ReferenceCase[];
  json(path: string): Promise<unknown>;
  bytes(path: string): Promise<Uint8Array>;
  tensors(path: string): Promise<Map<string, ReferenceTensor>>;
  exists(path: string): Promise<boolean>;
}

/** Outcome of one comparison. `worst` is the largest |got - want|; `limit` the tolerance at that element. */
export interface CheckResult {
  name: string;
  pass: boolean;
  worst?: number;
  limit?: number;
  /** Where the worst element is, e.g. `[3, 17]`, with both values. */
  at?: string;
  /** For exact comparisons and anything else worth a line. */
  detail?: string;
}

export interface VerifyContext {
  folder: ReferenceFolder;
  /** Reports one check. */
  report(result: CheckResult): void;
  /** Names a part of the case that this implementation does not cover yet. */
  uncovered(name: string): void;
  /** The device, for groups that compute on the GPU. */
  device(): Promise<GPUDevice>;
  /** Kernels that the engine takes on it; left out: those of the device's class. */
  variant?: KernelVariant;
}

/** Checks one case of its kind against the folder. */
export type Verifier = (context: VerifyContext, entry: ReferenceCase) => Promise<void>;

export interface TensorTolerance {
  atol: number;
  rtol: number;
  rms_rel?: number;
}
