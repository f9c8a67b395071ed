// Finds a Chrome or Chromium on this machine and the flags that give it WebGPU. Installs nothing.

import { pathsOf, THIS_MACHINE } from './machine.mjs';

const NAMES = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'chrome'];

/** Where installers put a browser that is not on PATH, Chrome first; relative ones are meant from `folders`. */
const USUAL_PLACES = {
  linux: { folders: () => ['/'], places: ['opt/google/chrome/chrome', 'usr/lib/chromium/chromium'] },
  darwin: {
    folders: ({ home }) => ['/', home],
    places: [
      'Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      'Applications/Chromium.app/Contents/MacOS/Chromium',
      'Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    ],
  },
  win32: {
    folders: ({ env }) => [env.ProgramFiles, env['ProgramFiles(x86)'], env.LOCALAPPDATA],
    places: [
      'Google\\Chrome\\Application\\chrome.exe',
      'Chromium\\Application\\chrome.exe',
      'Microsoft\\Edge\\Application\\msedge.exe',
    ],
  },
};

/** Playwright's cache of browsers, and where in a build of Chromium its program is. */
const DOWNLOADS = {
  linux: {
    root: ['.cache', 'ms-playwright'],
    programs: ['chrome-linux64/chrome', 'chrome-linux/chrome'],
  },
  darwin: {
    root: ['Library', 'Caches', 'ms-playwright'],
    programs: ['chrome-mac-arm64', 'chrome-mac-x64', 'chrome-mac'].flatMap((folder) => [
      `${folder}/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing`,
      `${folder}/Chromium.app/Contents/MacOS/Chromium`,
    ]),
  },
  win32: {
    root: ['AppData', 'Local', 'ms-playwright'],
    programs: ['chrome-win64\\chrome.exe', 'chrome-win\\chrome.exe'],
  },
};

/** What a system is called here; other Unixes are looked at like Linux. */
function systemOf({ platform }) {
  return platform === 'win32' || platform === 'darwin' ? platform : 'linux';
}

/**
 * The first of `names` that is an executable file in a folder of PATH or in the system's own folders.
 * @param {string[]} names program names, without Windows' `.exe`
 * @returns {string | null} absolute path
 */
export function findProgram(names, machine = THIS_MACHINE) {
  const { platform, env, isExecutable } = machine;
  const { join, delimiter } = pathsOf(machine);
  const windows = platform === 'win32';
  const own = windows ? [join(env.SystemRoot ?? 'C:\\Windows', 'System32')] : ['/usr/bin', '/usr/local/bin'];
  // Windows writes the variable's name as it likes.
  const folders = [...(env.PATH ?? env.Path ?? '').split(delimiter), ...own];
  for (const name of names) {
    const file = windows ? `${name}.exe` : name;
    for (const folder of folders) {
      if (folder && isExecutable(join(folder, file))) return join(folder, file);
    }
  }
  return null;
}

function findUsual(machine) {
  const { folders, places } = USUAL_PLACES[systemOf(machine)];
  const { join } = pathsOf(machine);
  for (const place of places) {
    for (const folder of folders(machine)) {
      if (folder && machine.isExecutable(join(folder, place))) return join(folder, place);
    }
  }
  return null;
}

/** The newest Chromium that Playwright downloaded for this user, or null. */
function findPlaywrightDownload(machine) {
  const { join } = pathsOf(machine);
  const { root, programs } = DOWNLOADS[systemOf(machine)];
  const folder = machine.env.PLAYWRIGHT_BROWSERS_PATH ?? join(machine.home, ...root);
  const revision = (name) => Number(name.split('-')[1]);
  const builds = machine.list(folder).filter((name) => /^chromium-\d+$/.test(name));
  builds.sort((a, b) => revision(b) - revision(a));
  const candidates = builds.flatMap((build) => programs.map((program) => join(folder, build, program)));
  return candidates.find(machine.isExecutable) ?? null;
}

/**
 * Finds a browser: LORIKEET_BROWSER, then Chrome, Chromium or Edge of the system, then Playwright's own download.
 * @returns {string | null} absolute path of the program
 * @throws when LORIKEET_BROWSER is set and is no executable file
 */
export function findBrowser(machine = THIS_MACHINE) {
  const wanted = machine.env.LORIKEET_BROWSER;
  if (wanted) {
    if (machine.isExecutable(wanted)) return wanted;
    throw new Error(`LORIKEET_BROWSER is ${wanted}, which is not an executable file. Correct it or unset it.`);
  }
  // On Windows a `chrome` of PATH may be any program; there the usual places come first, and PATH last.
  const found = findUsual(machine);
  if (systemOf(machine) === 'linux') return findProgram(NAMES, machine) ?? found ?? findPlaywrightDownload(machine);
  return found ?? findPlaywrightDownload(machine) ?? findProgram(NAMES, machine);
}

/** Whether this machine shows signs of a GPU that Chromium could use. */
export function hasGpu(machine = THIS_MACHINE) {
  // Windows and macOS draw their screens with one, and say nothing simple about it.
  if (systemOf(machine) !== 'linux') return true;
  return machine.exists('/dev/dri') || findProgram(['nvidia-smi'], machine) !== null;
}

/**
 * Flags for a Chromium with WebGPU.
 * @param {'gpu' | 'software'} adapter which adapter the page shall get
 * @returns {string[]}
 */
export function webgpuArgs(adapter, machine = THIS_MACHINE) {
  const linux = systemOf(machine) === 'linux';
  const common = [
    '--enable-unsafe-webgpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    '--no-default-browser-check',
    // A hidden page must train at full speed.
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
  ];
  if (linux) common.push('--disable-dev-shm-usage');
  // Chromium refuses to run as root with its sandbox; for anyone else the sandbox stays on.
  if (machine.isRoot) common.push('--no-sandbox');
  // Elsewhere WebGPU has the system's own interface (Direct3D, Metal), and Vulkan would be the second best.
  if (adapter === 'gpu') return [...common, ...(linux ? ['--enable-features=Vulkan'] : []), '--ignore-gpu-blocklist'];
  // SwiftShader spends most of a pipeline's compile time on zero-filling workgroup memory.
  return [...common, '--use-webgpu-adapter=swiftshader', '--enable-dawn-features=disable_workgroup_init'];
}
