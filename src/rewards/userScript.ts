// Compiles and runs the text of a user's reward and says what is wrong with it. For the reward's own worker:
// whoever calls this must already be where the text can do no harm.

import type { RewardBatch } from './reward';
import { cut, nameOf, placeOf, readScores } from './userScores';
import type { ScriptFailure, ScriptOutcome } from './userScores';

/** One completion with its row, as `scoreRow` gets it. */
export interface ScriptRow {
  completion: string;
  answer: string;
  question: string;
  thought: string;
  length: number;
  maxCompletionLength: number;
}

/** The name of the script in stack traces. */
const SCRIPT_FILE = 'userReward.js';

/** `new Function` puts its parameter list on lines of its own, and the strict mode stands on one more. */
const LINES_BEFORE = 3;

type ScoreBatch = (batch: RewardBatch) => unknown;
type ScoreRow = (row: ScriptRow, index: number) => unknown;

/** What a script defines; anything may stand under these names. */
interface Functions {
  score: unknown;
  scoreRow: unknown;
}

interface Thrown {
  name: string;
  message: string;
  line?: number;
  index?: number;
}

/** Reads what a script threw; its properties may be anything, and reading them may throw again. */
function readThrown(thrown: unknown): Thrown {
  if (typeof thrown !== 'object' || thrown === null) return { name: 'a value', message: nameOf(thrown) };
  try {
    const { name, message, stack, index } = thrown as { [key: string]: unknown };
    const line = new RegExp(`${SCRIPT_FILE}:(\\d+)`).exec(String(stack))?.[1];
    return {
      name: cut(String(name ?? 'an object')),
      message: cut(String(message ?? '')),
      ...(line ? { line: Number(line) - LINES_BEFORE } : {}),
      ...(typeof index === 'number' && Number.isInteger(index) ? { index } : {}),
    };
  } catch {
    return { name: 'an object', message: 'its name and message cannot be read' };
  }
}

function threw(name: string, thrown: unknown, count: number, row?: number): ScriptFailure {
  const { name: kind, message, line, index: said } = readThrown(thrown);
  const index = row ?? (said !== undefined && said >= 0 && said < count ? said : undefined);
  const where = [
    line === undefined ? '' : ` in line ${line}`,
    index === undefined ? '' : ` on ${placeOf(index, count)}`,
  ];
  return {
    code: 'reward.threw',
    message: `Reward "${name}" threw ${kind}${where.join('')}: ${message}`,
    hint: 'Correct the script; Preview runs it on rows of your data.',
    ...(index === undefined ? {} : { index }),
    ...(line === undefined ? {} : { line }),
  };
}

/** Compiles the script. Functions of the script's own are found by name, as declarations or as constants. */
function compile(javascript: string): Functions {
  const body = [
    '"use strict";',
    javascript,
    "return { score: typeof score === 'undefined' ? undefined : score,",
    "  scoreRow: typeof scoreRow === 'undefined' ? undefined : scoreRow };",
    `//# sourceURL=${SCRIPT_FILE}`,
  ].join('\n');
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the user's own script, in a sealed worker
  const { score, scoreRow } = (new Function(body) as () => Functions)();
  return { score, scoreRow };
}

async function runRows(name: string, scoreRow: ScoreRow, batch: RewardBatch): Promise<ScriptOutcome> {
  const { completions, answers, questions, thoughts, lengths, maxCompletionLength } = batch;
  const returned: unknown[] = [];
  for (let i = 0; i < completions.length; i++) {
    const row: ScriptRow = {
      completion: completions[i]!,
      answer: answers[i]!,
      question: questions[i]!,
      thought: thoughts[i]!,
      length: lengths[i]!,
      maxCompletionLength,
    };
    try {
      returned.push(await scoreRow(row, i));
    } catch (error) {
      return { failure: threw(name, error, completions.length, i) };
    }
  }
  return readScores(name, returned, completions.length);
}

async function runBatch(name: string, score: ScoreBatch, batch: RewardBatch): Promise<ScriptOutcome> {
  const count = batch.completions.length;
  try {
    return readScores(name, await score(batch), count);
  } catch (error) {
    return { failure: threw(name, error, count) };
  }
}

/**
 * Runs a user's reward. The script is compiled anew for each call, so that its top-level variables start afresh and
 * a run that was resumed gives the same scores.
 * @param javascript defines `score(batch)`, or else `scoreRow(row, index)`; either may be async
 * @param lineOfSyntax finds the line of a SyntaxError in the compiled text, if the platform tells
 * @returns one score per completion; or reward.syntax, reward.missing, reward.threw, reward.count, reward.value
 */
export async function runScript(
  name: string,
  javascript: string,
  batch: RewardBatch,
  lineOfSyntax: (error: SyntaxError) => number | undefined = () => undefined,
): Promise<ScriptOutcome> {
  let functions: Functions;
  try {
    functions = compile(javascript);
  } catch (error) {
    if (!isFromCompiler(error)) return { failure: threw(name, error, batch.completions.length) };
    return { failure: syntaxFailure(name, error, lineOfSyntax(error), javascript) };
  }
  const { score, scoreRow } = functions;
  if (typeof score === 'function') return runBatch(name, score as ScoreBatch, batch);
  if (typeof scoreRow === 'function') return runRows(name, scoreRow as ScoreRow, batch);
  return {
    failure: {
      code: 'reward.missing',
      message: `Reward "${name}" defines neither a function score(batch) nor a function scoreRow(row, index).`,
      hint: 'Write: function scoreRow(row) { return ... }',
    },
  };
}

/** A SyntaxError of the text itself; one that the running text threw names the text in its stack. */
function isFromCompiler(error: unknown): error is SyntaxError {
  return error instanceof SyntaxError && !String(error.stack).includes(`${SCRIPT_FILE}:`);
}

function syntaxFailure(name: string, error: SyntaxError, found: number | undefined, javascript: string): ScriptFailure {
  // An unclosed bracket is noticed only in the lines that follow the script.
  const line = found === undefined ? undefined : Math.min(found - LINES_BEFORE, javascript.split('\n').length);
  const where = line === undefined ? '' : ` in line ${line}`;
  return {
    code: 'reward.syntax',
    message: `Reward "${name}" is not valid JavaScript${where}: ${cut(error.message)}`,
    hint: 'Correct the script; nothing of it was run.',
    ...(line === undefined ? {} : { line }),
  };
}
