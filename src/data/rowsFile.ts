// Reads the rows of one JSONL file (or JSON list), naming file and line of all that is wrong. Looks at no images.

import type { ImportProblem } from '../base/dataset';
import { LorikeetError, toErrorRecord } from '../base/errors';
import { decodeUtf8, wideEncoding } from '../base/textBytes.mjs';
import type { ProblemList } from './importProblems';
import { readLines } from './jsonl';
import { parseJson, scanJson } from './jsonText';
import type { RowFields } from './rows';
import { readRow } from './rows';
import type { SourceFile } from './sourceFile';
import { readAll, readHead } from './sourceFile';

export interface FileRow extends RowFields {
  file: string;
  line: number;
}

const HEAD_BYTES = 64 * 1024;
/** A list has to be held whole, three times over while it is parsed. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
const ONE_PER_LINE = 'Write one object per line; `jq -c .[] list.json` does it for a list, `jq -c .` for objects.';

type Report = (level: ImportProblem['level'], code: string, message: string, line?: number) => void;

/** Why a file is no JSON lines at all; null when it may be. */
function wrongContent(head: Uint8Array): { code: string; message: string } | null {
  const wide = wideEncoding(head);
  if (wide) return { code: 'jsonl.utf16', message: `the file is ${wide}; save it as UTF-8` };
  const start = new TextDecoder().decode(head.subarray(0, 256)).trimStart();
  if (start.startsWith('<')) return { code: 'jsonl.notJson', message: 'the file is HTML or XML, not JSON lines' };
  if (start.startsWith('version https://git-lfs')) {
    return { code: 'jsonl.notJson', message: 'the file is a Git LFS pointer; fetch the real one with `git lfs pull`' };
  }
  if (start.startsWith('PK\u0003\u0004')) {
    return { code: 'jsonl.notJson', message: 'the file is a zip archive; name it .zip' };
  }
  return null;
}

/** Objects printed over several lines: the first line stays open and the second does not start another object. */
function isPrettyPrinted(head: string): boolean {
  const [first, second] = head.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  if (first === undefined || second === undefined || !first.trimStart().startsWith('{')) return false;
  const scan = scanJson(first);
  return scan.endDepth > 0 && !scan.openString && !second.trimStart().startsWith('{');
}

function takeRow(value: unknown, file: string, line: number, report: Report, out: FileRow[]): void {
  const result = readRow(value);
  if ('faults' in result) {
    for (const { code, message } of result.faults) report('error', code, message, line);
    return;
  }
  for (const { code, message } of result.warnings) report('warning', code, message, line);
  out.push({ ...result.row, file, line });
}

function takeLine(text: string, ended: boolean, file: string, line: number, report: Report, out: FileRow[]): void {
  if (text.trim() === '') return;
  try {
    const { value, duplicateKey } = parseJson(text);
    if (duplicateKey !== null) {
      report('warning', 'jsonl.duplicateKey', `"${duplicateKey}" is given twice; the last one counts`, line);
    }
    takeRow(value, file, line, report, out);
  } catch (error) {
    const { code, message } = toErrorRecord(error);
    const cut = ended ? '' : '. It is the last line and has no line end: the file may have been cut off';
    report('error', code, message + cut, line);
  }
}

async function readList(source: SourceFile, report: Report, out: FileRow[]): Promise<void> {
  const text = decodeUtf8(await readAll(source, MAX_LIST_BYTES));
  if (text === null) {
    report('error', 'jsonl.encoding', 'the file is not valid UTF-8; save it as UTF-8');
    return;
  }
  let list: unknown;
  try {
    list = parseJson(text).value;
  } catch (error) {
    const { message } = toErrorRecord(error);
    report('error', 'jsonl.list', `the file starts with [, so it is read as one JSON list, but it is ${message}`);
    return;
  }
  if (!Array.isArray(list)) return;
  report('warning', 'jsonl.list', 'the file is one JSON list: "line" counts its elements');
  list.forEach((value, i) => takeRow(value, source.path, i + 1, report, out));
}

async function readJsonLines(source: SourceFile, report: Report, out: FileRow[]): Promise<void> {
  for await (const line of readLines(source.chunks())) {
    if ('fault' in line) report('error', line.fault.code, line.fault.message, line.line);
    else takeLine(line.text, line.ended, source.path, line.line, report, out);
  }
}

/**
 * All valid rows of a file, in order. A JSON list is read too, its line numbers being element numbers from 1.
 * Never throws for bad content: everything wrong is added to `problems` with file and line.
 */
export async function readRowsFile(source: SourceFile, problems: ProblemList): Promise<FileRow[]> {
  const out: FileRow[] = [];
  const file = source.path;
  let reported = false;
  const report: Report = (level, code, message, line) => {
    reported ||= level === 'error';
    problems.add({ level, code, file, ...(line === undefined ? {} : { line }), message });
  };
  try {
    const head = await readHead(source, HEAD_BYTES);
    const text = new TextDecoder().decode(head);
    const wrong = wrongContent(head);
    if (wrong) report('error', wrong.code, wrong.message);
    else if (text.trimStart().startsWith('[')) await readList(source, report, out);
    else if (isPrettyPrinted(text)) {
      report('error', 'jsonl.pretty', `objects are spread over several lines. ${ONE_PER_LINE}`, 1);
    } else await readJsonLines(source, report, out);
  } catch (error) {
    if (!(error instanceof LorikeetError)) throw error;
    report('error', error.code, error.hint ? `${error.message}. ${error.hint}` : error.message);
  }
  if (out.length === 0 && !reported) report('error', 'jsonl.empty', 'the file holds no rows');
  return out;
}
