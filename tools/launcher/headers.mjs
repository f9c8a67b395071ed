// The security headers of every response: pages, worker scripts, wasm and data alike.
// A worker obeys the policy of its own script's response, so no response may go without them.

const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src 'self' blob:",
  "style-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "object-src 'none'",
  "frame-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lorikeet default',
].join('; ');

const DENIED_FEATURES = [
  'accelerometer',
  'autoplay',
  'camera',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'gamepad',
  'geolocation',
  'gyroscope',
  'hid',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'picture-in-picture',
  'publickey-credentials-get',
  'serial',
  'usb',
  'xr-spatial-tracking',
];

/** Headers that isolate the origin; they hold for development servers too. */
export const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': DENIED_FEATURES.map((feature) => `${feature}=()`).join(', '),
};

/** All headers of a response in production, two scripts excepted. */
export const securityHeaders = { 'Content-Security-Policy': POLICY, ...isolationHeaders };

/** The script of the worker that runs a user's reward: as the build names it, and as the development server does. */
const USER_REWARD_BUILT = /^\/assets\/userReward\.worker-[\w-]{8}\.js$/;
const USER_REWARD_SOURCE = '/src/rewards/userReward.worker.ts';

// It compiles the user's text, which sees the user's rows: no source at all is allowed, so no connection, no import
// and no further worker. `sandbox` would also deny storage, but Chromium 156 crashes the tab on it in a worker.
const USER_REWARD_POLICY = "default-src 'none'; script-src 'unsafe-eval'";
// Unbundled, the worker's own modules are imports.
const USER_REWARD_SOURCE_POLICY = "default-src 'none'; script-src 'self' 'unsafe-eval'";

/** The script of the worker that fetches models: as the build names it, and as the development server does. */
const DOWNLOAD_BUILT = /^\/assets\/download\.worker-[\w-]{8}\.js$/;
const DOWNLOAD_SOURCE = '/src/worker/download.worker.ts';

/** The Hugging Face hub, and the servers that it sends browsers to for large files. */
export const HUB_HOSTS = ['https://huggingface.co', 'https://*.hf.co'];

/** The only script that may reach another host, and it may load nothing but data. It never sees rows or pictures. */
function downloadPolicy(hosts) {
  return `default-src 'none'; connect-src 'self' ${hosts.join(' ')}`;
}

/**
 * All headers of a response in production.
 * @param {string} path decoded path of the request, without its query
 * @param {string[]} hubHosts what the download worker may reach
 */
export function securityHeadersOf(path, hubHosts = HUB_HOSTS) {
  if (USER_REWARD_BUILT.test(path)) return { ...securityHeaders, 'Content-Security-Policy': USER_REWARD_POLICY };
  if (DOWNLOAD_BUILT.test(path)) return { ...securityHeaders, 'Content-Security-Policy': downloadPolicy(hubHosts) };
  return securityHeaders;
}

/**
 * All headers of a response in development. They differ from production's in one word: hot reload puts styles into the
 * page as elements.
 * @param {string} path path of the request, without its query
 */
export function developmentHeadersOf(path) {
  if (path === USER_REWARD_SOURCE) {
    return { ...securityHeaders, 'Content-Security-Policy': USER_REWARD_SOURCE_POLICY };
  }
  if (path === DOWNLOAD_SOURCE) {
    // Unbundled, its own modules are imports.
    return { ...securityHeaders, 'Content-Security-Policy': `${downloadPolicy(HUB_HOSTS)}; script-src 'self'` };
  }
  const policy = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");
  return { ...securityHeaders, 'Content-Security-Policy': policy };
}
