// Writes `_headers` beside the built pages: the security headers in the form that Netlify and Cloudflare Pages read.

import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isolationHeaders, securityHeadersOf } from '../launcher/headers.mjs';

const FILE = '_headers';
const PAGE = 'index.html';
/** Vite puts a hash of the content into the names of this folder, so they never change. */
const HASHED = 'assets';

function rule(path, headers) {
  return [path, ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`)].join('\n');
}

/**
 * The rules of a built folder. One host joins the values of all rules that fit a path with commas, another takes the
 * last: no path may get a header from two rules, so the policy is not in the rule for all paths but in each other one.
 * @param {string[]} files paths of its files, with forward slashes, e.g. `assets/index-12345678.js`
 * @returns {string} the text of `_headers`
 */
export function hostHeaders(files) {
  const paths = new Set(
    files.flatMap((file) => {
      const [top, ...rest] = file.split('/');
      if (file === PAGE) return ['/', `/${PAGE}`];
      return rest.length > 0 && top !== HASHED ? [`/${top}/*`] : [`/${file}`];
    }),
  );
  const rules = [...paths].map((path) => {
    const policy = { 'Content-Security-Policy': securityHeadersOf(path)['Content-Security-Policy'] };
    const cache = path.startsWith(`/${HASHED}/`) ? { 'Cache-Control': 'public, max-age=31536000, immutable' } : {};
    return rule(path, { ...policy, ...cache });
  });
  return `${[rule('/*', isolationHeaders), ...rules].join('\n\n')}\n`;
}

function filesBelow(folder, prefix = '') {
  return readdirSync(join(folder, prefix)).flatMap((name) => {
    const path = `${prefix}${name}`;
    return statSync(join(folder, path)).isDirectory() ? filesBelow(folder, `${path}/`) : [path];
  });
}

/** The Vite plugin. */
export function hostHeadersPlugin() {
  let folder;
  return {
    name: 'lorikeet-host-headers',
    apply: 'build',
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    // By now workers and public files are in the folder. A build that failed never comes here.
    writeBundle: {
      order: 'post',
      handler() {
        const files = filesBelow(folder).filter((path) => path !== FILE);
        writeFileSync(join(folder, FILE), hostHeaders(files));
      },
    },
  };
}
