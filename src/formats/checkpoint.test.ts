// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { LorikeetError } from '../base/errors';
import { CHECKPOINT_SCHEMA, decodeCheckpoint, encodeCheckpoint } from './checkpoint';
import { parseSafetensors, writeSafetensors } from './safetensors';

function sample() {
  const state = { step: 7, schedule: { rate: 0.1 + 0.2, zero: -0, tiny: 5e-324, big: 1.7976931348623157e308 } };
  const tensors = new Map([
    ['b', Float32Array.of(1, -0, 3.5)],
    ['a', new Float32Array(0)],
    ['__proto__', Float32Array.of(1e-45)],
  ]);
  return { state: { ...state, names: ['ü', '\ud800', '"\u2028'], none: null, yes: true }, tensors };
}

function failure(work: () => unknown): LorikeetError {
  try {
    work();
  } catch (error) {
    if (error instanceof LorikeetError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** A file by hand, with `json` as the metadata entry. */
function file(json: string, key = 'lorikeet'): Uint8Array {
  return writeSafetensors([], { [key]: json });
}

function bits(values: Float32Array | undefined): number[] {
  return [...new Uint32Array((values ?? new Float32Array()).slice().buffer)];
}

describe('round trip', () => {
  it('gives back state and tensors bit for bit, negative zero and subnormals included', () => {
    const { state, tensors } = sample();
    const back = decodeCheckpoint(encodeCheckpoint({ state, tensors }), 'ck');
    expect(back.state).toEqual(state);
    expect(Object.is((back.state.schedule as Record<string, number>).zero, -0)).toBe(true);
    expect([...back.tensors.keys()].sort()).toEqual(['__proto__', 'a', 'b']);
    for (const [name, values] of tensors) expect(bits(back.tensors.get(name))).toEqual(bits(values));
  });

  it('gives equal bytes for equal content, whatever order the tensors come in', () => {
    const { state, tensors } = sample();
    const turned = new Map([...tensors].reverse());
    const first = encodeCheckpoint({ state, tensors });
    expect(encodeCheckpoint({ state, tensors: turned })).toEqual(first);
    expect(encodeCheckpoint(decodeCheckpoint(first, 'ck'))).toEqual(first);
  });

  it('takes views of a larger buffer, at an address that is not the start', () => {
    const values = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const back = decodeCheckpoint(encodeCheckpoint({ state: {}, tensors: new Map([['v', values]]) }), 'ck');
    expect([...(back.tensors.get('v') ?? [])]).toEqual([1, 2]);
  });

  it('is a safetensors file with one metadata entry', () => {
    const { tensors, metadata } = parseSafetensors(encodeCheckpoint(sample()));
    expect(Object.keys(metadata)).toEqual(['lorikeet']);
    expect(JSON.parse(metadata.lorikeet!)).toMatchObject({ schema: CHECKPOINT_SCHEMA, state: { step: 7 } });
    expect(tensors.get('b')).toMatchObject({ dtype: 'F32', shape: [3] });
  });

  it('leaves fields out that are undefined', () => {
    const bytes = encodeCheckpoint({ state: { a: undefined, b: 1 }, tensors: new Map() });
    expect(decodeCheckpoint(bytes, 'ck').state).toStrictEqual({ b: 1 });
  });
});

describe('writing refuses by name', () => {
  const none = new Map<string, Float32Array>();
  it.each([
    ['NaN', { a: { b: [0, NaN] } }, 'checkpoint.state.a.b[1] is NaN'],
    ['an infinity', { a: -Infinity }, 'checkpoint.state.a is -Infinity'],
    ['a typed array', { a: new Float32Array(2) }, 'checkpoint.state.a is a Float32Array'],
    ['a date', { a: new Date(0) }, 'checkpoint.state.a is a Date'],
    ['a function', { a: () => 1 }, 'checkpoint.state.a is a function'],
    ['undefined in a list', { a: [undefined] }, 'checkpoint.state.a[0] is undefined'],
    ['a hole in a list', { a: new Array(1) }, 'checkpoint.state.a[0] is undefined'],
    ['a bigint', { a: 1n }, 'checkpoint.state.a is a bigint'],
  ])('%s in the state', (_, state, message) => {
    const error = failure(() => encodeCheckpoint({ state, tensors: none }));
    expect([error.code, error.message.slice(0, message.length)]).toEqual(['json.value', message]);
  });

  it('NaN, infinities and reserved names among the tensors', () => {
    for (const bad of [NaN, Infinity]) {
      const tensors = new Map([['m', Float32Array.of(1, bad)]]);
      const error = failure(() => encodeCheckpoint({ state: {}, tensors }));
      expect(error).toMatchObject({ code: 'checkpoint.value' });
      expect(error.message).toContain(`tensor "m": element 1 is ${bad}`);
    }
    const reserved = new Map([['~log', Float32Array.of(1)]]);
    expect(failure(() => encodeCheckpoint({ state: {}, tensors: reserved })).code).toBe('checkpoint.value');
  });

  it('a state that contains itself', () => {
    const state: Record<string, unknown> = {};
    state.self = state;
    expect(failure(() => encodeCheckpoint({ state, tensors: none })).message).toContain('nested deeper');
  });
});

describe('reading refuses by name', () => {
  it('a newer schema, and says that the file is kept', () => {
    const error = failure(() => decodeCheckpoint(file('{"kind":"other","schema":2}'), 'ck-1'));
    expect(error.code).toBe('checkpoint.newer');
    expect(error.message).toContain('ck-1: it has schema 2');
    expect(error.hint).toContain('Reload');
  });

  it.each([
    ['no entry of ours', file('{}', 'format'), 'no entry "lorikeet"'],
    ['an entry that is not JSON', file('{"schema":1'), 'it is not JSON'],
    ['an entry that is a list', file('[]'), 'expected an object'],
    ['a schema that is no number', file('{"kind":"checkpoint","schema":"1","state":{}}'), 'schema must be'],
    ['another kind', file('{"kind":"run","schema":1,"state":{}}'), 'of the kind "run"'],
    ['a state that is a list', file('{"kind":"checkpoint","schema":1,"state":[]}'), 'state is not an object'],
    ['__proto__', file('{"kind":"checkpoint","schema":1,"state":{"a":{"__proto__":{}}}}'), '__proto__'],
    ['deep nesting', file(`{"schema":1,"state":${'['.repeat(90)}${']'.repeat(90)}}`), 'nested deeper than 64'],
    ['a cut file', encodeCheckpoint(sample()).slice(0, -1), 'ends at byte'],
    ['an empty file', new Uint8Array(0), '0 bytes'],
  ])('%s', (_, bytes, message) => {
    const error = failure(() => decodeCheckpoint(bytes, 'ck'));
    expect(error.code).toBe('checkpoint.broken');
    expect(error.message).toContain(message);
  });

  it('tensors of another type, and values that are not finite', () => {
    const json = '{"kind":"checkpoint","schema":1,"state":{}}';
    const make = (dtype: 'I32' | 'F32', bytes: number[]) =>
      writeSafetensors([{ name: 't', dtype, shape: [1], bytes: Uint8Array.from(bytes) }], { lorikeet: json });
    expect(failure(() => decodeCheckpoint(make('I32', [1, 0, 0, 0]), 'ck')).message).toContain('dtype is I32');
    const nan = failure(() => decodeCheckpoint(make('F32', [0, 0, 0xc0, 0x7f]), 'ck'));
    expect([nan.code, nan.message]).toEqual([
      'checkpoint.broken',
      'ck: tensor "t": element 0 is NaN; expected finite numbers',
    ]);
  });
});
