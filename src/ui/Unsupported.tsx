// The whole page where WebGPU cannot work: what is missing, and what to do about it.

import type { ErrorRecord } from '../base/errors';
import { BROWSER_NEEDED } from '../base/minimumBrowser.mjs';
import { Logo } from './parts/Icon';

const NO_BROWSER = 'Without a suitable browser, npm run train does the same in the terminal (on Linux).';

/** Where the page came from: what is forwarded has the same number at both ends. */
const PORT = location.port || '80';

const REMEDIES: Record<string, string[]> = {
  'browser.insecure': [
    'Open the page as http://localhost (npm start prints the address), or through https.',
    `On another machine of your network, forward the port: ssh -L ${PORT}:localhost:${PORT} that-machine.`,
  ],
  'browser.noWebGpu': [
    `Use ${BROWSER_NEEDED}. Firefox and Safari have not been tried.`,
    'On Linux, Chrome may need chrome://flags/#enable-unsafe-webgpu switched on, and a restart.',
    NO_BROWSER,
  ],
  'browser.tooOld': [`Update this browser, or use another one: ${BROWSER_NEEDED}.`, NO_BROWSER],
};

const NO_ADAPTER = [
  'Look at chrome://gpu: “WebGPU” should say “Hardware accelerated”. Switch on hardware acceleration in the settings.',
  'Update the graphics driver and restart the browser; after several GPU crashes it refuses until then.',
  'On Linux start Chrome with --enable-unsafe-webgpu. Without any GPU add --use-webgpu-adapter=swiftshader: slower, but it works.',
  'Or run npm run train in the terminal (on Linux): it brings a software adapter along.',
];

/** Says why training cannot work in this browser and how to make it work. */
export function Unsupported({ problem }: { problem: ErrorRecord }): React.JSX.Element {
  const remedies = REMEDIES[problem.code] ?? NO_ADAPTER;
  return (
    <main className="card unsupported" data-code={problem.code}>
      <div className="brand">
        <Logo /> Lorikeet
      </div>
      <h1 className="title">This browser cannot train yet</h1>
      <p role="alert">{problem.message}</p>
      <p className="soft">Lorikeet computes on your own GPU through WebGPU, not on a server. To get it going:</p>
      <ol>
        {remedies.map((remedy) => (
          <li key={remedy}>{remedy}</li>
        ))}
      </ol>
      <div className="unsupportedActions">
        <button type="button" className="button" onClick={() => location.reload()}>
          Try again
        </button>
      </div>
    </main>
  );
}
