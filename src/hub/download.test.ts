import { createHash } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { HubModel, HubSettings } from '../base/hubModel';
import { countBytes, type Interval } from '../base/intervals';
import { HUB_DEFAULTS } from './settings';
import { downloadFile } from './fileDownload';
import { lookUpModel } from './lookUp';
import { downloadModel } from './modelDownload';
import { createTraffic, type Net } from './net';
import { startTestHub, TEST_COMMIT, type Fault, type TestHub } from './testing/hubServer';
import { createMemoryPlace, type MemoryPlace } from './testing/memoryPlace';
import { demoRepository } from './testing/modelFiles';

const ID = 'Lorikeet/demo';
const WEIGHTS = 'model.safetensors';
const RANGE = 256 * 1024;

let hub: TestHub;
let place: MemoryPlace;
let kind: 'written' | 'kept' = 'written';
let waits: string[];
const never = new AbortController().signal;

function netOf(settings: Partial<HubSettings> = {}): Net & ReturnType<typeof createTraffic> {
  const quick = { rangeBytes: RANGE, idleMs: 4000, retryMs: 1, retries: 2 };
  return {
    ...createTraffic(),
    fetch: (input, init) => fetch(input, init),
    settings: { ...HUB_DEFAULTS, ...quick, endpoint: hub.endpoint, ...settings },
    waiting: (reason) => reason !== null && waits.push(reason),
  };
}

function lookUp(net = netOf()): Promise<HubModel> {
  return lookUpModel(net, { id: ID, revision: 'main' }, () => undefined, never);
}

async function download(settings: Partial<HubSettings> = {}, signal = never, report = (_: number) => {}) {
  const net = netOf(settings);
  await downloadModel(net, await lookUp(net), place, ({ arrived }) => report(arrived), signal);
  return net;
}

/** The fault for the first `times` requests of the weights, or for those that `when` picks. */
function failing(fault: Fault, when: (count: number, range: string | null) => boolean = (count) => count === 1): void {
  hub.fault = (name, count, range) => (name === WEIGHTS && when(count, range) ? fault : null);
}

function rangesOf(name: string): (string | null)[] {
  return hub.seen.filter(({ at, path }) => at === 'files' && path.includes(name)).map(({ range }) => range);
}

function expectWhole(): void {
  for (const name of ['config.json', 'tokenizer.json', WEIGHTS]) {
    expect(place.whole.get(name)?.equals(hub.files[name]!), name).toBe(true);
  }
}

beforeEach(async () => {
  hub = await startTestHub(ID, demoRepository(), { license: 'other', license_name: 'qwen-research' });
  place = createMemoryPlace(kind);
  waits = [];
});

afterEach(() => hub.close());

test('a model is looked up with its commit, licence, and the files that a run reads, from a list of several pages', async () => {
  const model = await lookUp();
  expect(model).toMatchObject({ commit: TEST_COMMIT, licence: { name: 'qwen-research', link: null } });
  expect(model.files.map(({ name }) => name)).toEqual([
    ...['config.json', 'generation_config.json', 'preprocessor_config.json'],
    ...['tokenizer.json', 'tokenizer_config.json', 'chat_template.json', WEIGHTS],
  ]);
  const weights = model.files.at(-1)!;
  expect(weights.hash).toBe(createHash('sha256').update(hub.files[WEIGHTS]!).digest('hex'));
  expect(hub.seen.every(({ at }) => at === 'hub')).toBe(true);
});

describe.each(['written', 'kept'] as const)('into a part that holds what was %s', (readable) => {
  beforeAll(() => {
    kind = readable;
  });

  test('all files arrive whole, large ones in ranges of the given size, each byte once', async () => {
    const net = await download();
    expectWhole();
    const size = hub.files[WEIGHTS]!.length;
    const ranges = rangesOf(WEIGHTS).map((range) => /bytes=(\d+)-(\d+)/.exec(range!)!.slice(1).map(Number));
    expect(ranges.length).toBe(Math.ceil(size / RANGE));
    expect(ranges.reduce((sum, [from, last]) => sum + last! + 1 - from!, 0)).toBe(size);
    const files = net.list().find(({ host }) => hub.fileServer.endsWith(host))!;
    expect(files).toEqual({ host: new URL(hub.fileServer).host, requests: ranges.length, receivedBytes: size });
  });

  test.each<[string, Fault]>([
    ['is cut', { kind: 'cut', after: 1000 }],
    ['goes silent', { kind: 'stall', after: 1000 }],
    ['ends too early', { kind: 'short', after: 1000 }],
  ])('a connection that %s is made again for the rest alone', async (_, fault) => {
    failing(fault, (count) => count === 3);
    await download();
    expectWhole();
    const total = Math.ceil(hub.files[WEIGHTS]!.length / RANGE);
    expect(rangesOf(WEIGHTS).length).toBe(total + 1);
    const begun = rangesOf(WEIGHTS).map((range) => Number(/bytes=(\d+)/.exec(range!)![1]));
    expect(begun.filter((from) => from % RANGE !== 0)).toEqual([expect.any(Number)]);
  });

  test('a wrong byte is found by the hash, and the file is fetched anew', async () => {
    failing({ kind: 'wrongByte', at: 700_000 }, (count) => count <= 10);
    await download();
    expectWhole();
    expect(rangesOf(WEIGHTS).length).toBe(2 * Math.ceil(hub.files[WEIGHTS]!.length / RANGE));
  });

  test('a file that comes out wrong twice is named, and nothing of it stays', async () => {
    failing({ kind: 'wrongByte', at: 700_000 }, () => true);
    await expect(download()).rejects.toMatchObject({ code: 'hub.hash', message: expect.stringContaining(WEIGHTS) });
    expect(place.whole.has(WEIGHTS)).toBe(false);
    expect([...place.parts.values()].map(({ kept }) => kept)).toEqual([[]]);
  });

  test("another file's ETag is refused before a byte is taken, and the file is asked for again", async () => {
    failing({ kind: 'etag', value: 'ab'.repeat(32) }, (count) => count === 2);
    await download();
    expectWhole();
    expect(waits.join()).toContain('another file');
    failing({ kind: 'etag', value: 'ab'.repeat(32) }, () => true);
    place = createMemoryPlace(kind);
    await expect(download()).rejects.toMatchObject({ code: 'hub.changed' });
    expect([...place.parts.values()].map(({ kept }) => kept)).toEqual([[]]);
  });

  test('an ETag of another kind says nothing about the content', async () => {
    failing({ kind: 'etag', value: 'd41d8cd98f00b204e9800998ecf8427e-12' }, () => true);
    await download();
    expectWhole();
    expect(waits).toEqual([]);
  });

  test('a server that sends the whole file for a range is taken at its word, from the first byte on', async () => {
    failing({ kind: 'whole' }, () => true);
    await download();
    expectWhole();
  });

  test('another range than was asked for is refused', async () => {
    failing({ kind: 'otherRange' });
    await download();
    expectWhole();
    expect(waits.join()).toContain('expected "bytes');
  });

  test.each<[string, number, string]>([
    ['416', 416, 'hub.range'],
    ['500', 500, 'hub.status'],
  ])('%s is asked again, and named when it stays', async (_, status, code) => {
    failing({ kind: 'status', status });
    await download();
    expectWhole();
    place = createMemoryPlace(kind);
    failing({ kind: 'status', status }, () => true);
    await expect(download()).rejects.toMatchObject({ code });
  });

  test('an address that has run out is asked for anew at once', async () => {
    failing({ kind: 'status', status: 403 }, (count) => count === 4);
    await download({ retryMs: 60_000 });
    expectWhole();
    const asked = hub.seen.filter(({ at, path }) => at === 'hub' && path.includes(WEIGHTS));
    expect(asked.length).toBe(Math.ceil(hub.files[WEIGHTS]!.length / RANGE) + 1);
  });

  test.each([
    ['RateLimit', { RateLimit: '"resolvers";r=0;t=1' }],
    ['Retry-After', { 'Retry-After': '1' }],
  ])('429 is waited for as long as %s says, and does not count as a failure', async (_, headers) => {
    failing({ kind: 'status', status: 429, headers }, (count) => count === 1);
    const began = performance.now();
    await download({ retries: 0 });
    expect(performance.now() - began).toBeGreaterThan(990);
    expectWhole();
  });

  test('what arrived before a stop is not fetched again', async () => {
    const stop = new AbortController();
    const stopped = download({ connections: 1 }, stop.signal, (arrived) => arrived > 1_000_000 && stop.abort());
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect(place.whole.has('tokenizer.json')).toBe(true);
    const before = hub.seen.length;
    await download({ connections: 1 });
    expectWhole();
    const [part] = rangesOf(WEIGHTS).slice(hub.seen.slice(0, before).filter(({ at }) => at === 'files').length);
    expect(Number(/bytes=(\d+)/.exec(part!)![1])).toBeGreaterThan(900_000);
  });
});

test('a wait is one of the whole file only when no connection goes on', async () => {
  const told: [string | null, boolean | undefined][] = [];
  const net = {
    ...netOf(),
    waiting: (reason: string | null, _: number, goesOn?: boolean) => told.push([reason, goesOn]),
  };
  const alone = (): boolean[] => told.filter(([reason]) => reason !== null).map(([, goesOn]) => goesOn === false);
  failing({ kind: 'status', status: 500 }, (count) => count === 1);
  await downloadModel(net, await lookUp(), place, () => undefined, never);
  expect(alone()).toEqual([false]);
  told.length = 0;
  place = createMemoryPlace(kind);
  hub.reset(demoRepository());
  failing({ kind: 'status', status: 429, headers: { 'Retry-After': '1' } }, (count) => count <= 4);
  await downloadModel(net, await lookUp(), place, () => undefined, never);
  expect(alone()).toEqual([false, false, false, true]);
});

test('of a file that comes in one answer, what has arrived is remembered on the way too', async () => {
  const bytes = Buffer.alloc(40 * 2 ** 20);
  const name = 'large.safetensors';
  hub.files[name] = bytes;
  hub.fault = () => ({ kind: 'whole' });
  const kept: number[] = [];
  const part = {
    ...{ done: [], keepBytes: 32 * 2 ** 20, readable: 'written' as const },
    ...{ read: (at: number, length: number) => bytes.subarray(at, at + length) },
    ...{ write: () => undefined, restart: async () => undefined },
    keep: async (done: readonly Interval[]) => void kept.push(countBytes(done)),
  };
  const hash = createHash('sha256').update(bytes).digest('hex');
  const file = { name, bytes: bytes.length, algorithm: 'sha256' as const, hash };
  const job = {
    file,
    url: `${hub.fileServer}/files/${name}`,
    what: name,
    part,
    arrived: () => undefined,
    signal: never,
  };
  await downloadFile(netOf(), job);
  expect(kept.at(-1)).toBe(bytes.length);
  expect(kept.filter((sum) => sum < bytes.length)).toHaveLength(1);
});

test('a disk that takes longer than a server may be silent is no silence of the server', async () => {
  const { fill } = place;
  let writes = 0;
  place.fill = (file, signal, work) =>
    fill(file, signal, (part) =>
      work({
        ...part,
        write: async (bytes, at) => {
          if (file.name === WEIGHTS && writes++ === 0) await new Promise((resolve) => setTimeout(resolve, 2500));
          await part.write(bytes, at);
        },
      }),
    );
  await download({ idleMs: 2000, connections: 1 });
  expectWhole();
  expect(waits).toEqual([]);
});

test('of a failure and of what could not be kept after it, the first is told', async () => {
  failing({ kind: 'status', status: 404 }, () => true);
  const { fill } = place;
  place.fill = (file, signal, work) =>
    fill(file, signal, (part) =>
      work(file.name === WEIGHTS ? { ...part, keep: () => Promise.reject(new Error('not kept')) } : part),
    );
  await expect(download()).rejects.toMatchObject({ code: expect.stringMatching(/^hub\./) });
});

test('a stop while a server is waited for ends at once', async () => {
  failing({ kind: 'status', status: 429, headers: { 'Retry-After': '300' } }, () => true);
  const stop = new AbortController();
  const stopped = download({}, stop.signal);
  await expect.poll(() => waits.length).toBeGreaterThan(0);
  stop.abort();
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
});

test.each([
  [401, { 'X-Error-Code': 'GatedRepo' }, 'hub.gated'],
  [401, { 'X-Error-Code': 'RepoNotFound' }, 'hub.missing'],
  [404, { 'X-Error-Code': 'RevisionNotFound' }, 'hub.revision'],
  [404, {}, 'hub.missing'],
])('status %i with %o is explained before anything is fetched', async (status, headers, code) => {
  hub.refusals[`/api/models/${ID}/revision`] = { status, headers };
  await expect(lookUp()).rejects.toMatchObject({ code });
  expect(hub.seen.length).toBe(1);
});

test('a quantized checkpoint is named with its method before its weights are fetched', async () => {
  const config = JSON.parse(hub.files['config.json']!.toString()) as object;
  hub.files['config.json'] = Buffer.from(JSON.stringify({ ...config, quantization_config: { quant_method: 'awq' } }));
  await expect(lookUp()).rejects.toMatchObject({ code: 'hub.quantized', message: expect.stringContaining('awq') });
});

test.each([
  ['MLX', { quantization: { bits: 4 } }],
  ['bitsandbytes', { text_config: { quantization_config: { load_in_4bit: true } } }],
])('a checkpoint that %s has quantized is known without a name of the method', async (method, fields) => {
  const config = JSON.parse(hub.files['config.json']!.toString()) as object;
  hub.files['config.json'] = Buffer.from(JSON.stringify({ ...config, ...fields }));
  await expect(lookUp()).rejects.toMatchObject({ code: 'hub.quantized', message: expect.stringContaining(method) });
});

test('what cannot be trained is refused by its config, before its weights are fetched', async () => {
  const refuse = (): never => {
    throw new Error('not this one');
  };
  await expect(lookUpModel(netOf(), { id: ID, revision: 'main' }, refuse, never)).rejects.toThrow('not this one');
  expect(hub.seen.every(({ at }) => at === 'hub')).toBe(true);
});

test('a repository without safetensors, or without a shard that its index names, is refused by name', async () => {
  const weights = hub.files[WEIGHTS]!;
  delete hub.files[WEIGHTS];
  hub.files['pytorch_model.bin'] = Buffer.from('x');
  await expect(lookUp()).rejects.toMatchObject({ message: expect.stringContaining('pytorch_model.bin') });
  const index = { weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } };
  hub.files['model.safetensors.index.json'] = Buffer.from(JSON.stringify(index));
  hub.files['model-00001-of-00002.safetensors'] = weights;
  await expect(lookUp()).rejects.toMatchObject({
    code: 'hub.weights',
    message: expect.stringContaining('model-00002-of-00002.safetensors'),
  });
  hub.files['model-00002-of-00002.safetensors'] = weights;
  expect((await lookUp()).files.map(({ name }) => name)).toContain('model-00002-of-00002.safetensors');
});

test('a server that cannot be reached is named with what to do', async () => {
  const { endpoint } = hub;
  await hub.close();
  await expect(lookUp(netOf({ endpoint }))).rejects.toMatchObject({ code: 'hub.unreachable' });
});
