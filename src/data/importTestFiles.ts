// Small files for the import's tests.

import { encode } from 'fast-png';
import type { InputFile } from '../base/dataset';
import type { SourceFile } from './sourceFile';
import { blobSource } from './sourceFile';

/** A PNG of one colour; another `shade` is another content. */
export function pngOf(shade: number, width = 28, height = 28): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(width * height * 3).fill(shade);
  return new Uint8Array(encode({ width, height, channels: 3, data }));
}

/** A dropped file. */
export function drop(path: string, content: string | Uint8Array<ArrayBuffer>): InputFile {
  return { path, file: new Blob([content]) };
}

/** The same as the reader sees it. */
export function source(path: string, content: string | Uint8Array<ArrayBuffer>): SourceFile {
  return blobSource(path, new Blob([content]));
}

/** A line of JSONL without its end. */
export function rowText(image: string, question = 'What?', thought = 'I see.', answer = 'yes'): string {
  return JSON.stringify({ image, question, thought, answer });
}
