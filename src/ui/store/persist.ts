// Small values in localStorage under one prefix. A browser that refuses storage loses them at reload, nothing else.

const PREFIX = 'lorikeet.';

/** Reads a value and passes it through `read`, which returns null for anything it does not accept. */
export function load<T>(name: string, read: (value: unknown) => T | null): T | null {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? null : read(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Stores a JSON value; failure is not an error for the caller. */
export function save(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden: the setting then lasts until reload.
  }
}
