// Errors meant for the person at the terminal: what is wrong, and what to do about it.

/** An expected failure; shown without a stack. */
export class Failure extends Error {
  /**
   * @param {string} message what is wrong
   * @param {string} [hint] what to do
   * @param {string} [code] of the page's error, for those who do more than show it
   */
  constructor(message, hint, code) {
    super(message);
    this.name = 'Failure';
    this.hint = hint;
    this.code = code;
  }
}

/** The text to print for anything thrown. Unexpected errors keep their stack. */
export function failureText(error) {
  if (error instanceof Failure) return `\nerror: ${error.message}${error.hint ? `\n  ${error.hint}` : ''}`;
  return `\nerror: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
