// The worker of a user's reward: removes what could send or store anything, then runs scripts on plain data.
// Its response has a policy of its own without any network (tools/launcher/headers.mjs), so it must stay one file.

import { batchRandom } from './batchRandom';
import type { ScriptReply, ScriptRequest } from './userReward';
import { runScript } from './userScript';
import { sealGlobals } from './sealGlobals';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const post = scope.postMessage.bind(scope) as (reply: ScriptReply) => void;
const report = scope.reportError.bind(scope);

let reportedLine: number | undefined;

/** Chromium tells the line of a SyntaxError only in the event of an unhandled error. */
function lineOfSyntax(error: SyntaxError): number | undefined {
  reportedLine = undefined;
  report(error);
  return reportedLine || undefined;
}

scope.addEventListener('error', (event) => {
  reportedLine = event.lineno;
  // Nor does an error that a script left behind in a timer count as one of the worker.
  event.preventDefault();
});
scope.addEventListener('message', ({ data }: MessageEvent<ScriptRequest>) => {
  const { name, javascript, batch } = data;
  Math.random = batchRandom(batch);
  void runScript(name, javascript, batch, lineOfSyntax).then((outcome) => post({ type: 'outcome', outcome }));
});

sealGlobals(scope);
post({ type: 'ready' });
