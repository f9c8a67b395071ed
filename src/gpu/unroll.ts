// Turns marked loops and arrays of a shader into straight-line code over named variables. Drivers that interpret
// private arrays through memory (software adapters above all) run such code several times faster, and every size
// comes from one readable source. The marked source is itself valid WGSL with the same meaning.
//
//   for (var i = 0u; i < N; i++) { // unroll      N: a constant expression
//   var acc: array<vec4f, 64>; // registers       acc[i * 8u + j] becomes acc_17

import { LorikeetError } from '../base/errors';

export type Constants = ReadonlyMap<string, number>;

/**
 * Value of an integer expression of literals, constants, + - * / % and parentheses.
 * @throws shader.expression when it holds anything else
 */
export function evaluateInteger(expression: string, constants: Constants, where: string): number {
  const tokens = expression.match(/[A-Za-z_]\w*|\d+u?|[-+*/%()]/g) ?? [];
  let at = 0;
  const fail = (): never => {
    throw new LorikeetError('shader.expression', `${where}: "${expression}" is not a constant integer expression`);
  };
  const atom = (): number => {
    const token = tokens[at++];
    if (token === undefined) return fail();
    if (token === '(') {
      const value = sum();
      if (tokens[at++] !== ')') fail();
      return value;
    }
    if (/^\d/.test(token)) return parseInt(token, 10);
    return constants.get(token) ?? fail();
  };
  const product = (): number => {
    let value = atom();
    while (tokens[at] === '*' || tokens[at] === '/' || tokens[at] === '%') {
      const operator = tokens[at++];
      const right = atom();
      value = operator === '*' ? value * right : operator === '/' ? Math.floor(value / right) : value % right;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-') value += tokens[at++] === '+' ? product() : -product();
    return value;
  };
  const value = sum();
  if (at !== tokens.length) fail();
  return value;
}

/** Index just past the brace that closes the one before `start`. */
function closingBrace(text: string, start: number, where: string): number {
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '/' && text[i + 1] === '/') while (i + 1 < text.length && text[i + 1] !== '\n') i++;
    else if (text[i] === '{') depth++;
    else if (text[i] === '}' && --depth === 0) return i + 1;
  }
  throw new LorikeetError('shader.unroll', `${where}: an unrolled loop is not closed`);
}

const LOOP = /for \(var (\w+) = ([^;]+); \1 < ([^;]+); \1\+\+\) \{ \/\/ unroll[^\n]*\n/;

function unrollLoops(text: string, constants: Constants, where: string): string {
  const match = LOOP.exec(text);
  if (!match) return text;
  const [head, name, from = '', to = ''] = match;
  const bodyStart = match.index + head.length;
  const end = closingBrace(text, bodyStart, where);
  const body = text.slice(bodyStart, end - 1);
  const word = new RegExp(`\\b${name}\\b`, 'g');
  let out = text.slice(0, match.index);
  const last = evaluateInteger(to, constants, where);
  for (let value = evaluateInteger(from, constants, where); value < last; value++) {
    out += unrollLoops(`{\n${body.replace(word, `${value}u`)}}\n`, constants, where);
  }
  return out + unrollLoops(text.slice(end), constants, where);
}

const REGISTERS = /var (\w+): array<(\w+), ([^>;]+)>; \/\/ registers[^\n]*/g;

function nameRegisters(text: string, constants: Constants, where: string): string {
  const names = new Set<string>();
  let out = text.replace(REGISTERS, (_, name: string, type: string, count: string) => {
    names.add(name);
    const length = evaluateInteger(count, constants, where);
    // Spelled-out zeros: declared in a loop, a variable must start anew each round, and Chromium 156 on SwiftShader
    // leaves one without an initializer as it was.
    return Array.from({ length }, (__, i) => `var ${name}_${i} = ${type}();`).join(' ');
  });
  for (const name of names) {
    // Comments are matched first, and kept: formulas in them use the same names.
    out = out.replace(new RegExp(`//[^\\n]*|\\b${name}\\[([^\\]]+)\\]`, 'g'), (found, index?: string) => {
      return index === undefined ? found : `${name}_${evaluateInteger(index, constants, where)}`;
    });
  }
  return out;
}

/**
 * Unrolls every marked loop, then replaces every marked array by one variable per element.
 * @param source WGSL @param constants values of the shader's integer constants @param where the file, for errors
 */
export function unroll(source: string, constants: Constants, where: string): string {
  return nameRegisters(unrollLoops(source, constants, where), constants, where);
}
