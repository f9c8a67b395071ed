// The user's own reward as the trainer and the page call it: a worker that runs the script, with a time limit.
// Nothing of the script runs here.

import { fromErrorRecord, LorikeetError, toErrorRecord } from '../base/errors';
import type { Reward, RewardBatch } from './reward';
import { readScores } from './userScores';
import type { ScriptFailure, ScriptOutcome } from './userScores';

/** A reward's name and its JavaScript, as in the recipe. */
export interface UserRewardSpec {
  name: string;
  javascript: string;
}

export interface UserRewardOptions {
  /** Starts userReward.worker; the caller knows its address. */
  spawn(): Worker;
  /** Why no script may run in such a worker; null when one may. Asked before each is started; must settle in time. */
  refusal(): Promise<ScriptFailure | null>;
  /** Longest time of one call in ms; default 10 s. */
  timeoutMs?: number;
}

/** Reader -> worker: run a script. */
export interface ScriptRequest extends UserRewardSpec {
  batch: RewardBatch;
}

/** Worker -> reader: `ready` once, then one answer per request. */
export type ScriptReply = { type: 'ready' } | { type: 'outcome'; outcome: ScriptOutcome };

/** A user's script with its worker. */
export interface UserScript {
  /** Runs the script; calls run one after another. Never rejects. */
  run(batch: RewardBatch): Promise<ScriptOutcome>;
  /** Ends the worker for good; a call in flight, and any later one, fails with reward.stopped. */
  dispose(): void;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** A worker whose script is at hand starts in less than a second; a busy machine gets far more. */
const START_TIMEOUT_MS = 60_000;

type Answer = ScriptReply | ScriptFailure;

/** A started worker, asked one thing at a time. */
interface Helper {
  /** Sends `request`, if any, and waits for the next message; `late` when there is none in time. */
  ask(request: ScriptRequest | null, limitMs: number, late: ScriptFailure): Promise<Answer>;
  /** Terminates the worker; what waits for it, now or later, gets `failure`. */
  end(failure: ScriptFailure): void;
}

function startHelper(name: string, spawn: () => Worker): Helper {
  const worker = spawn();
  let settle: ((answer: Answer) => void) | null = null;
  let broken: ScriptFailure | null = null;
  const take = (answer: Answer): void => {
    if (!('type' in answer)) broken ??= answer;
    settle?.(answer);
    settle = null;
  };
  worker.onmessage = ({ data }: MessageEvent<ScriptReply>) => take(data);
  worker.onerror = (event) => {
    event.preventDefault();
    take(brokenWorker(name, event.message || 'its script could not be loaded'));
  };
  worker.onmessageerror = () => take(brokenWorker(name, 'its answer could not be read'));
  const ask: Helper['ask'] = (request, limitMs, late) =>
    new Promise((resolve) => {
      if (broken) return resolve(broken);
      const timer = setTimeout(() => take(late), limitMs);
      settle = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      if (request) worker.postMessage(request);
    });
  const end = (failure: ScriptFailure): void => {
    worker.terminate();
    take(failure);
  };
  return { ask, end };
}

function brokenWorker(name: string, reason: string): ScriptFailure {
  return { code: 'reward.worker', message: `Reward "${name}": its worker stopped: ${reason}`, hint: 'Try again.' };
}

function timeout(name: string, limitMs: number, count: number): ScriptFailure {
  return {
    code: 'reward.timeout',
    message: `Reward "${name}" took longer than ${limitMs / 1000} s for ${count} completions and was stopped.`,
    hint: 'Look for a loop that does not end, or make the script do less.',
  };
}

/**
 * Opens a user's script. The worker starts with the first call; after a failure the next call starts a new one.
 * A script may hang, so every wait has an end.
 */
export function openUserScript(spec: UserRewardSpec, options: UserRewardOptions): UserScript {
  const { name, javascript } = spec;
  const limitMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  let helper: Helper | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let disposed = false;
  const stopped: ScriptFailure = { code: 'reward.stopped', message: `Reward "${name}" was stopped.` };

  const fail = (failure: ScriptFailure): ScriptOutcome => {
    helper?.end(failure);
    helper = null;
    return { failure };
  };
  const ready = async (): Promise<Helper | ScriptFailure> => {
    if (helper) return helper;
    const refusal = await options.refusal();
    if (refusal) return refusal;
    // While the server was asked; a worker that starts now would be ended by nobody.
    if (disposed) return stopped;
    const started = (helper = startHelper(name, options.spawn));
    const reply = await started.ask(null, START_TIMEOUT_MS, brokenWorker(name, 'it did not start'));
    return 'type' in reply ? started : reply;
  };
  const call = async (batch: RewardBatch): Promise<ScriptOutcome> => {
    try {
      const worker = await ready();
      if (!('ask' in worker)) return fail(worker);
      const count = batch.completions.length;
      const reply = await worker.ask({ name, javascript, batch }, limitMs, timeout(name, limitMs, count));
      if (!('type' in reply)) return fail(reply);
      if (reply.type !== 'outcome') return fail(brokenWorker(name, 'it gave no scores'));
      // Checked again here: what comes from the script's worker is not to be trusted.
      const outcome = 'scores' in reply.outcome ? readScores(name, reply.outcome.scores, count) : reply.outcome;
      return 'failure' in outcome ? fail(outcome.failure) : outcome;
    } catch (error) {
      const { code, message, hint } = toErrorRecord(error);
      return fail(error instanceof LorikeetError ? { code, message, hint } : brokenWorker(name, message));
    }
  };
  return {
    run: (batch) => {
      const turn = last.then(() => call(batch));
      last = turn;
      return turn;
    },
    dispose: () => {
      disposed = true;
      fail(stopped);
    },
  };
}

/**
 * The user's reward as a Reward.
 * @throws from `score`: reward.syntax, reward.missing, reward.threw, reward.count, reward.value, reward.timeout,
 * reward.worker, reward.stopped, and what `refusal` gives or throws
 */
export function createUserReward(spec: UserRewardSpec, options: UserRewardOptions): Reward {
  const script = openUserScript(spec, options);
  return {
    name: spec.name,
    score: async (batch) => {
      const outcome = await script.run(batch);
      if ('scores' in outcome) return outcome.scores;
      throw fromErrorRecord({ ...outcome.failure, detail: { reward: spec.name } });
    },
    dispose: () => script.dispose(),
  };
}
