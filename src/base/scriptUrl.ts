// Addresses of worker scripts under Trusted Types: one named policy that admits scripts of the own origin only.

/** The part of Trusted Types used here; TypeScript's DOM library lacks it. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

function ownOrigin(url: string): string {
  const absolute = new URL(url, location.href);
  if (absolute.origin !== location.origin) throw new TypeError(`a script of another origin: ${absolute.origin}`);
  return absolute.href;
}

const trustedTypes = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
const policy = trustedTypes?.createPolicy('lorikeet', { createScriptURL: ownOrigin }) ?? { createScriptURL: ownOrigin };

/**
 * What `new Worker` takes under `require-trusted-types-for 'script'`.
 * @throws TypeError for an address of another origin
 */
export function scriptUrl(url: string): string {
  return policy.createScriptURL(url);
}
