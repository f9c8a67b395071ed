// Packing: the tokens of a micro-batch as one flat stream without padding. What a query may see is two key ranges;
// which queries see a key is one interval. Nothing here knows of the model or the GPU.

import { gridTokenCount } from '../image/smartResize';
import { imageKey } from './encode';
import type { Example, ImageRef, Prompt } from './encode';

/** The token before a target predicts it: `row` is its place in the stream. */
export interface Label {
  row: number;
  target: number;
  /** Which example or completion the label belongs to, and its place within. */
  sequence: number;
  index: number;
}

export interface PackedBatch {
  /** T */
  tokens: number;
  ids: Uint32Array;
  /** (3, T), row-major. */
  positions: Int32Array;
  /** Row of the batch's feature buffer for image tokens, else -1. */
  imageRow: Int32Array;
  /** Images whose features form the buffer, in order of their rows; each appears once. */
  images: ImageRef[];
  /** (T, 4): prefix start, prefix end, segment start, segment end; end exclusive. */
  ranges: Uint32Array;
  /** (T): rows j .. queryEnd[j] - 1 see key j. */
  queryEnd: Uint32Array;
  /** (T, 2): example, index in example, for dropout. Completions of a group share their prompt's tokens. */
  place: Uint32Array;
  labels: Label[];
}

/** A prompt and its completions, laid out as prompt, c1, c2, ... */
export interface Group {
  prompt: Prompt;
  completions: ArrayLike<number>[];
}

/** Growing columns of a stream. */
class StreamBuilder {
  readonly ids: number[] = [];
  readonly positions: [number[], number[], number[]] = [[], [], []];
  readonly imageRow: number[] = [];
  readonly ranges: number[] = [];
  readonly queryEnd: number[] = [];
  readonly place: number[] = [];
  readonly labels: Label[] = [];
  private readonly featureStart = new Map<string, number>();
  private readonly images: ImageRef[] = [];
  private featureRows = 0;

  constructor(
    private readonly imageTokenId: number,
    private readonly spatialMergeSize: number,
  ) {}

  get tokens(): number {
    return this.ids.length;
  }

  /** Feature rows of an image; the same image is stored once. */
  private rowsOf(image: ImageRef): { start: number; count: number } {
    const count = gridTokenCount(image.grid, this.spatialMergeSize);
    const key = imageKey(image);
    let start = this.featureStart.get(key);
    if (start === undefined) {
      start = this.featureRows;
      this.featureStart.set(key, start);
      this.images.push(image);
      this.featureRows += count;
    }
    return { start, count };
  }

  /** Appends a causal segment that starts a stream of its own. Its keys are seen up to `seenUntil` (set later). */
  prompt(prompt: Prompt, example: number): { start: number; end: number } {
    const start = this.tokens;
    const length = prompt.ids.length;
    const end = start + length;
    const slots = prompt.images.flatMap((image) => {
      const { start: first, count } = this.rowsOf(image);
      return Array.from({ length: count }, (_, i) => first + i);
    });
    let slot = 0;
    for (let t = 0; t < length; t++) {
      this.ids.push(prompt.ids[t]!);
      for (let axis = 0; axis < 3; axis++) this.positions[axis]!.push(prompt.positions[axis * length + t]!);
      this.imageRow.push(prompt.ids[t] === this.imageTokenId ? slots[slot++]! : -1);
      this.ranges.push(0, 0, start, start + t + 1);
      this.queryEnd.push(end);
      this.place.push(example, t);
    }
    return { start, end };
  }

  /** Appends a completion that sees a whole prompt and itself. */
  completion(ids: ArrayLike<number>, prompt: { start: number; end: number }, nextPosition: number, example: number) {
    const start = this.tokens;
    const promptLength = prompt.end - prompt.start;
    for (let t = 0; t < ids.length; t++) {
      this.ids.push(ids[t]!);
      for (const axis of this.positions) axis.push(nextPosition + t);
      this.imageRow.push(-1);
      this.ranges.push(prompt.start, prompt.end, start, start + t + 1);
      this.queryEnd.push(start + ids.length);
      this.place.push(example, promptLength + t);
    }
    return start;
  }

  finish(): PackedBatch {
    return {
      tokens: this.tokens,
      ids: Uint32Array.from(this.ids),
      positions: Int32Array.from(this.positions.flat()),
      imageRow: Int32Array.from(this.imageRow),
      images: this.images,
      ranges: Uint32Array.from(this.ranges),
      queryEnd: Uint32Array.from(this.queryEnd),
      place: Uint32Array.from(this.place),
      labels: this.labels,
    };
  }
}

/** What packing needs to know of the checkpoint. */
export interface PackContext {
  imageTokenId: number;
  spatialMergeSize: number;
}

function builder(context: PackContext): StreamBuilder {
  return new StreamBuilder(context.imageTokenId, context.spatialMergeSize);
}

/**
 * Supervised examples, each a causal segment; labels are where the example's mask is 1.
 * @param exampleIds names the examples for dropout; their index by default
 */
export function packExamples(examples: Example[], context: PackContext, exampleIds?: number[]): PackedBatch {
  const stream = builder(context);
  examples.forEach((example, sequence) => {
    const { start } = stream.prompt(example, exampleIds?.[sequence] ?? sequence);
    let index = 0;
    for (let t = 1; t < example.ids.length; t++) {
      if (example.labelMask[t]) {
        stream.labels.push({ row: start + t - 1, target: example.ids[t]!, sequence, index: index++ });
      }
    }
  });
  return stream.finish();
}

/**
 * Groups: every prompt once, followed by its completions. The last prompt token predicts the first token of all its
 * completions. Sequences are numbered through all groups in order.
 */
export function packGroups(groups: Group[], context: PackContext): PackedBatch {
  const stream = builder(context);
  let sequence = 0;
  for (const { prompt, completions } of groups) {
    const first = sequence;
    const place = stream.prompt(prompt, first);
    for (const completion of completions) {
      const start = stream.completion(completion, place, prompt.nextPosition, sequence);
      for (let t = 0; t < completion.length; t++) {
        const row = t === 0 ? place.end - 1 : start + t - 1;
        stream.labels.push({ row, target: completion[t]!, sequence, index: t });
      }
      sequence++;
    }
    stream.queryEnd.fill(stream.tokens, place.start, place.end);
  }
  return stream.finish();
}

/** Prompts alone, each a causal segment, without labels. */
export function packPrompts(prompts: Prompt[], context: PackContext): PackedBatch {
  const stream = builder(context);
  prompts.forEach((prompt, i) => stream.prompt(prompt, i));
  return stream.finish();
}

/** The labels grouped by row: R distinct rows, ascending, and the label order that makes each row's labels adjacent. */
export interface LabelTable {
  /** (R) stream rows. */
  rows: Uint32Array;
  /** (L, 2): index in `rows`, target. */
  labels: Uint32Array;
  /** (R + 1) */
  labelStart: Uint32Array;
  /** (L) the batch's label index of each table entry. */
  order: Uint32Array;
}

/** Sorts labels by row, then by their order in the batch. */
export function labelTable(labels: readonly Label[]): LabelTable {
  const order = Uint32Array.from(labels.keys()).sort((a, b) => labels[a]!.row - labels[b]!.row || a - b);
  const rows: number[] = [];
  const start: number[] = [];
  const table = new Uint32Array(labels.length * 2);
  order.forEach((l, i) => {
    if (rows.length === 0 || rows[rows.length - 1] !== labels[l]!.row) {
      rows.push(labels[l]!.row);
      start.push(i);
    }
    table[i * 2] = rows.length - 1;
    table[i * 2 + 1] = labels[l]!.target;
  });
  return {
    rows: Uint32Array.from(rows),
    labels: table,
    labelStart: Uint32Array.from([...start, labels.length]),
    order,
  };
}
