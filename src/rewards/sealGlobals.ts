// Takes from a worker's global scope everything but the language itself and a few harmless helpers.
// The second wall around a user's script, and the only one before storage; the first is the response's policy.

/** What a script may use. Everything else goes, so that what browsers add later is gone as well. */
const KEPT = new Set(
  [
    'Object Function Array Number BigInt Boolean String Symbol Date RegExp Math JSON Intl Temporal Promise Proxy Reflect',
    'Map Set WeakMap WeakSet WeakRef FinalizationRegistry Iterator globalThis Infinity NaN undefined',
    'Error AggregateError EvalError RangeError ReferenceError SuppressedError SyntaxError TypeError URIError',
    'ArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array',
    'Float16Array Float32Array Float64Array BigInt64Array BigUint64Array',
    'eval parseInt parseFloat isFinite isNaN decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape',
    'console setTimeout clearTimeout queueMicrotask structuredClone TextEncoder TextDecoder atob btoa',
  ]
    .join(' ')
    .split(' '),
);

/** The global object and its prototypes, the one of all objects left out. */
function holders(scope: object): object[] {
  const chain: object[] = [];
  for (let at = scope; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at) as object) chain.push(at);
  return chain;
}

/**
 * Removes every property that is not kept from a global scope and its prototypes.
 * @throws TypeError when one that could do something cannot be removed: then no script may run here
 */
export function sealGlobals(scope: object): void {
  for (const holder of holders(scope)) {
    for (const name of Object.getOwnPropertyNames(holder)) {
      if (KEPT.has(name) || Reflect.deleteProperty(holder, name)) continue;
      const value: unknown = Object.getOwnPropertyDescriptor(holder, name)?.value;
      // Old constants such as PERSISTENT stay: numbers can do nothing.
      if (typeof value !== 'number') throw new TypeError(`the global ${name} cannot be removed`);
    }
  }
}
