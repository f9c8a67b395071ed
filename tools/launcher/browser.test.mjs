import { expect, test } from 'vitest';
import { findBrowser, findProgram, hasGpu, webgpuArgs } from './browser.mjs';
import { hasDisplay, openerOf, profileFolder, windowAdapter } from './openPage.mjs';
import { npmCommand } from './packages.mjs';

/** A machine with these files, all of them programs; folders follow from the files' paths. */
function machine(platform, files, env = {}, home = platform === 'win32' ? 'C:\\Users\\ada' : '/home/ada') {
  const sep = platform === 'win32' ? '\\' : '/';
  const list = (folder) => {
    const inside = files.filter((file) => file.startsWith(folder + sep));
    return [...new Set(inside.map((file) => file.slice(folder.length + 1).split(sep)[0]))];
  };
  const exists = (path) => files.some((file) => file === path || file.startsWith(path + sep));
  return { platform, env, home, isRoot: false, exists, isExecutable: (path) => files.includes(path), list };
}

const WINDOWS = {
  ProgramFiles: 'C:\\Program Files',
  'ProgramFiles(x86)': 'C:\\Program Files (x86)',
  LOCALAPPDATA: 'C:\\Users\\ada\\AppData\\Local',
  SystemRoot: 'C:\\Windows',
  Path: 'C:\\Windows\\System32;C:\\tools',
};

test.each([
  ['a Chrome of the machine', 'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe'],
  ['a Chrome of the user', 'C:\\Users\\ada\\AppData\\Local\\Google\\Chrome\\Application\\chrome.exe'],
  ['Edge', 'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe'],
  ['a Chromium of PATH', 'C:\\tools\\chromium.exe'],
])('Windows: %s is found', (_, path) => {
  expect(findBrowser(machine('win32', [path], WINDOWS))).toBe(path);
});

test.each([
  ['Chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
  ['a Chrome of the user', '/Users/ada/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
  ['Edge', '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge'],
])('macOS: %s is found', (_, path) => {
  expect(findBrowser(machine('darwin', [path], {}, '/Users/ada'))).toBe(path);
});

test.each([
  ['win32', 'C:\\Users\\ada\\AppData\\Local\\ms-playwright', '\\chrome-win64\\chrome.exe'],
  [
    ...['darwin', '/home/ada/Library/Caches/ms-playwright'],
    '/chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
  ],
  ['linux', '/home/ada/.cache/ms-playwright', '/chrome-linux/chrome'],
])('%s: the newest of Playwright’s downloads is found', (platform, root, program) => {
  const sep = platform === 'win32' ? '\\' : '/';
  const files = [`chromium-999`, `chromium-1200`].map((build) => `${root}${sep}${build}${program}`);
  expect(findBrowser(machine(platform, files, platform === 'win32' ? WINDOWS : {}))).toBe(files[1]);
});

test('Linux: PATH comes before the usual places, and Chrome before Chromium', () => {
  const files = ['/opt/google/chrome/chrome', '/usr/bin/chromium', '/snap/bin/google-chrome'];
  expect(findBrowser(machine('linux', files, { PATH: '/snap/bin' }))).toBe('/snap/bin/google-chrome');
  expect(findBrowser(machine('linux', files.slice(0, 2)))).toBe('/usr/bin/chromium');
  expect(findBrowser(machine('linux', files.slice(0, 1)))).toBe('/opt/google/chrome/chrome');
});

test('a machine without any browser has none, and a wrong LORIKEET_BROWSER is named', () => {
  for (const platform of ['linux', 'darwin', 'win32']) {
    expect(findBrowser(machine(platform, []))).toBeNull();
    const env = { LORIKEET_BROWSER: 'gone' };
    expect(() => findBrowser(machine(platform, [], env))).toThrow('LORIKEET_BROWSER is gone');
  }
});

test('an address is opened by the system’s own program', () => {
  const url = 'http://localhost:5175/?a=1&b=2';
  const rundll = 'C:\\Windows\\System32\\rundll32.exe';
  expect(openerOf(url, machine('win32', [rundll], WINDOWS))).toEqual([rundll, 'url.dll,FileProtocolHandler', url]);
  expect(openerOf(url, machine('darwin', ['/usr/bin/open', '/usr/bin/xdg-open']))).toEqual(['/usr/bin/open', url]);
  expect(openerOf(url, machine('linux', ['/usr/bin/xdg-open']))).toEqual(['/usr/bin/xdg-open', url]);
  expect(openerOf(url, machine('linux', []))).toBeNull();
});

test('the window’s profile is where the system keeps programs’ data', () => {
  expect(profileFolder(machine('win32', [], WINDOWS))).toBe(
    'C:\\Users\\ada\\AppData\\Local\\Lorikeet\\browser-profile',
  );
  expect(profileFolder(machine('darwin', [], {}, '/Users/ada'))).toBe(
    '/Users/ada/Library/Application Support/Lorikeet/browser-profile',
  );
  expect(profileFolder(machine('linux', [], { XDG_DATA_HOME: '/data' }))).toBe('/data/lorikeet/browser-profile');
});

test('only a Linux without a display has no screen, and only Linux is asked for signs of a GPU', () => {
  expect(['win32', 'darwin', 'linux'].map((platform) => hasDisplay(machine(platform, [])))).toEqual([
    true,
    true,
    false,
  ]);
  expect(hasDisplay(machine('linux', [], { WAYLAND_DISPLAY: 'wayland-0' }))).toBe(true);
  expect(['win32', 'darwin', 'linux'].map((platform) => hasGpu(machine(platform, [])))).toEqual([true, true, false]);
  expect(hasGpu(machine('linux', ['/dev/dri/card0']))).toBe(true);
});

test('flags that only Linux knows stay there', () => {
  const flags = (platform) => webgpuArgs('gpu', machine(platform, []));
  for (const flag of ['--enable-features=Vulkan', '--disable-dev-shm-usage']) {
    expect(flags('linux')).toContain(flag);
    expect(flags('win32')).not.toContain(flag);
    expect(flags('darwin')).not.toContain(flag);
  }
});

test('npm is the one that was called, or that of PATH by the name that the system knows', () => {
  const called = npmCommand(['ci'], machine('win32', [], { npm_execpath: 'C:\\node\\npm\\bin\\npm-cli.js' }));
  expect(called).toEqual({ program: process.execPath, args: ['C:\\node\\npm\\bin\\npm-cli.js', 'ci'], shell: false });
  expect(npmCommand(['ci'], machine('win32', []))).toEqual({ program: 'npm.cmd', args: ['ci'], shell: true });
  expect(npmCommand(['ci'], machine('linux', []))).toEqual({ program: 'npm', args: ['ci'], shell: false });
  const other = machine('linux', [], { npm_execpath: '/usr/lib/node_modules/yarn/bin/yarn.js' });
  expect(npmCommand(['ci'], other).program).toBe('npm');
});

test('a program of PATH is found under the system’s name for it', () => {
  expect(findProgram(['tool'], machine('win32', ['C:\\tools\\tool.exe'], WINDOWS))).toBe('C:\\tools\\tool.exe');
  expect(findProgram(['tool'], machine('linux', ['/a/tool'], { PATH: '/b:/a' }))).toBe('/a/tool');
});

test('the window of Windows and macOS asks for the GPU, whatever a probe without a window would say', async () => {
  const software = async () => 'software';
  expect(await windowAdapter(software, machine('win32', [], WINDOWS))).toBe('gpu');
  expect(await windowAdapter(software, machine('darwin', []))).toBe('gpu');
  expect(await windowAdapter(software, machine('linux', []))).toBe('software');
});
