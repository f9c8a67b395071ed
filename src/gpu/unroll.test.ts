import { describe, expect, it } from 'vitest';
import { evaluateInteger, unroll } from './unroll';

const CONSTANTS = new Map([
  ['ROWS', 3],
  ['COLS', 2],
]);

/** Runs a snippet of WGSL that JavaScript shares, but for types and suffixes; the value of `result` at the end. */
function runAsJs(source: string): number[] {
  const js = source
    .replace(
      /var (\w+): array<\w+, ([^>]+)>;/g,
      (_, name: string, size: string) => `let ${name} = Array(${size}).fill(0);`,
    )
    .replace(/\b[fu]32\(\)/g, '0')
    .replace(/(\d)u\b/g, '$1')
    .replace(/\bvar\b/g, 'let');
  const body = `const ROWS = 3, COLS = 2; const result = []; ${js}; return result;`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- runs what the unrolled text computes
  return (new Function(body) as () => number[])();
}

const squeeze = (text: string): string => text.replace(/\s+/g, ' ').trim();

describe('unroll', () => {
  it('keeps the meaning of nested loops over arrays', () => {
    const source = `
      var acc: array<f32, ROWS * COLS>; // registers
      var sum: array<f32, ROWS>; // registers
      for (var pass = 0u; pass < 5u; pass++) {
        for (var i = 0u; i < ROWS; i++) { // unroll
          for (var j = 0u; j < COLS; j++) { // unroll the inner one
            acc[i * COLS + j] += pass * (i + 1u) - j;
          }
          sum[i] += acc[i * COLS] * acc[i * COLS + 1u];
        }
        for (var j = 1u; j < ROWS; j++) { // unroll
          sum[j] -= sum[j - 1u];
          if (j == 2u) {
            result.push(sum[j]);
          }
        }
      }
      for (var i = 0u; i < ROWS; i++) { // unroll
        result.push(sum[i], acc[i * COLS + COLS - 1u]);
      }
    `;
    const unrolled = unroll(source, CONSTANTS, 'test');
    expect(unrolled).not.toContain('[');
    expect(unrolled.match(/for \(/g)).toHaveLength(1);
    expect(runAsJs(unrolled)).toEqual(runAsJs(source));
    expect(runAsJs(source)).toHaveLength(11);
  });

  it('gives each pass a scope of its own and replaces whole words only', () => {
    const source = 'for (var i = 1u; i < 3u; i++) { // unroll\nlet mid = i + 1u; let i2 = at.i2;\n}\n';
    expect(squeeze(unroll(source, CONSTANTS, 'test'))).toBe(
      '{ let mid = 1u + 1u; let i2 = at.i2; } { let mid = 2u + 1u; let i2 = at.i2; }',
    );
  });

  it('makes named variables of registers and zeroes them where they are declared', () => {
    const source = 'var x: array<vec4f, 2>; // registers\nx[0u] += x[2 - 1];\n';
    expect(squeeze(unroll(source, CONSTANTS, 'test'))).toBe('var x_0 = vec4f(); var x_1 = vec4f(); x_0 += x_1;');
  });

  it('leaves unmarked loops and arrays, and formulas in comments, as they are', () => {
    const source = `// x[t, h] = { sum
      var x: array<f32, 2>; // registers
      var y: array<f32, 2>;
      for (var t = 0u; t < n; t++) {
        y[t] += x[0u]; // not x[t]
      }
    `;
    const unrolled = unroll(source, CONSTANTS, 'test');
    expect(unrolled).toContain('// x[t, h] = { sum');
    expect(unrolled).toContain('for (var t = 0u; t < n; t++) {');
    expect(unrolled).toContain('y[t] += x_0; // not x[t]');
  });

  it('removes loops without a pass', () => {
    expect(squeeze(unroll('a; for (var i = 0u; i < COLS - 2u; i++) { // unroll\nb;\n}\nc;', CONSTANTS, 'test'))).toBe(
      'a; c;',
    );
  });

  it('ends a loop at its own brace, whatever comments hold', () => {
    const source = 'for (var i = 0u; i < 1u; i++) { // unroll\nif (a) { b; } // }\n}\nc;';
    expect(squeeze(unroll(source, CONSTANTS, 'test'))).toBe('{ if (a) { b; } // } } c;');
  });

  it('names the file and what is wrong', () => {
    const loop = (end: string, body = '}\n') => `for (var i = 0u; i < ${end}; i++) { // unroll\n${body}`;
    expect(() => unroll(loop('n'), CONSTANTS, 'a.wgsl')).toThrow('a.wgsl: "n" is not a constant integer expression');
    expect(() => unroll(loop('2u', 'b; // }'), CONSTANTS, 'a.wgsl')).toThrow('a.wgsl: an unrolled loop is not closed');
    const register = 'var x: array<f32, 2>; // registers\nx[k] = 1;';
    expect(() => unroll(register, CONSTANTS, 'a.wgsl')).toThrow('a.wgsl: "k" is not a constant integer expression');
  });
});

describe('evaluateInteger', () => {
  it.each([
    ['7', 7],
    ['ROWS * COLS + 1u', 7],
    ['2 + 3 * 4 - 1', 13],
    ['(2 + 3) * 4', 20],
    ['17u / 4u % 3u', 1],
    ['10 - 3 - 2', 5],
    ['((ROWS))', 3],
  ])('computes %s', (expression, value) => {
    expect(evaluateInteger(expression, CONSTANTS, 'test')).toBe(value);
  });

  it.each(['', 'x', '1 +', '(1', '1)', '1 2', '1 << 2', '1.5', 'ROWS[0]'])('refuses "%s"', (expression) => {
    expect(() => evaluateInteger(expression, CONSTANTS, 'test')).toThrow('not a constant integer expression');
  });
});
