// Gives the responses of Vite's own servers their security headers. Never part of a build.

import { developmentHeadersOf, securityHeadersOf } from '../launcher/headers.mjs';

const INLINE_SCRIPT = /<script type="module">([^]*?)<\/script>/g;
const SCRIPT_PATH = '/@lorikeet/inline-';

function addHeaders(headersOf) {
  return (request, response, next) => {
    const path = (request.url ?? '').split(/[?#]/)[0];
    for (const [name, value] of Object.entries(headersOf(path))) response.setHeader(name, value);
    next();
  };
}

/**
 * The Vite plugin. In development it also moves the inline scripts that hot reload writes into the page to files, so
 * that the page's policy need not allow inline scripts.
 */
export function headersPlugin() {
  const scripts = [];
  const addressOf = (text) => {
    if (!scripts.includes(text)) scripts.push(text);
    return `${SCRIPT_PATH}${scripts.indexOf(text)}.js`;
  };
  return {
    name: 'lorikeet-headers',
    configureServer(server) {
      server.middlewares.use(addHeaders(developmentHeadersOf));
      server.middlewares.use((request, response, next) => {
        const text = request.url?.startsWith(SCRIPT_PATH)
          ? scripts[parseInt(request.url.slice(SCRIPT_PATH.length))]
          : undefined;
        if (text === undefined) return next();
        response.setHeader('Content-Type', 'text/javascript');
        return response.end(text);
      });
    },
    configurePreviewServer(server) {
      server.middlewares.use(addHeaders(securityHeadersOf));
    },
    transformIndexHtml: {
      order: 'post',
      handler: (html, { server }) =>
        server
          ? html.replace(INLINE_SCRIPT, (_, text) => `<script type="module" src="${addressOf(text)}"></script>`)
          : html,
    },
  };
}
