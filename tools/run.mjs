// Where the npm scripts begin. Looks at Node's version before anything that an old one could not load, and hands on.

import { nodeProblem } from './launcher/nodeVersion.mjs';

const problem = nodeProblem(process.versions.node);
if (problem === null) {
  import('./launcher/commands.mjs')
    .then((launcher) => launcher.main(process.argv.slice(2)))
    .then((code) => {
      process.exitCode = code;
    })
    .catch((error) => {
      // `main` prints what a command meets; only a broken installation comes here.
      process.stderr.write('\n' + (error.stack || error) + '\n');
      process.exitCode = 1;
    });
} else {
  process.stderr.write('\nerror: ' + problem + '\n');
  process.exitCode = 1;
}
