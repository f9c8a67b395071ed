// Gives the responses of Vite's own servers the policies that depend on the path. Never part of a build.

import { developmentPolicyOf, securityHeadersOf } from '../launcher/headers.mjs';

function pathOf(request) {
  return (request.url ?? '').split(/[?#]/)[0];
}

/** The Vite plugin. The headers that are the same everywhere stand in Vite's `server.headers`. */
export function headersPlugin() {
  return {
    name: 'lorikeet-headers',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const policy = developmentPolicyOf(pathOf(request));
        if (policy !== null) response.setHeader('Content-Security-Policy', policy);
        next();
      });
    },
    configurePreviewServer(server) {
      server.middlewares.use((request, response, next) => {
        const headers = securityHeadersOf(pathOf(request));
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        next();
      });
    },
  };
}
