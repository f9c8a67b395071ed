// Lint rules. The import zones keep the layers apart; each message names the route that is allowed.

import js from '@eslint/js';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/**
 * The layers, lowest first, and what each may import besides itself; always layers above its own line here.
 * An entry with a slash is one file or folder of a layer.
 */
const MODEL = ['base', 'formats', 'gpu', 'ops'];
const INFER = [...MODEL, 'model', 'budgets', 'text', 'image', 'data'];
const EVAL = [...INFER, 'infer', 'rewards'];
const TRAIN = [...EVAL, 'eval', 'recipe'];
const WORKER = [...TRAIN, 'train', 'planner', 'storage', 'protocol', 'hub'];

const LAYERS = {
  base: [],
  formats: ['base'],
  // Asks the hub; what it brings is stored by others.
  hub: ['base', 'formats'],
  // The folders of fixtures that numbers are held against; only tests and verify use them.
  reference: ['base', 'formats'],
  text: ['base'],
  image: ['base'],
  gpu: ['base'],
  recipe: ['base'],
  rewards: ['base', 'text'],
  storage: ['base', 'formats'],
  data: ['base', 'text', 'image'],
  ops: ['base', 'gpu'],
  model: MODEL,
  // Arithmetic alone: what fits where is known before there is a device.
  budgets: ['base', 'recipe', 'model/config', 'model/adapterShape', 'model/baseStorage'],
  // Formulas of its own: neither a device nor the arithmetic that runs decide by.
  planner: ['base', 'recipe', 'model/config'],
  // infer packs prompts, so it may import data.
  infer: INFER,
  eval: EVAL,
  protocol: ['base', 'recipe'],
  train: TRAIN,
  worker: WORKER,
  // Pure files of lower layers that the page would otherwise write a second time.
  ui: [
    ...['base', 'recipe', 'protocol', 'storage', 'data/walkDrop', 'budgets/gpuMemory'],
    ...['hub/modelAddress', 'hub/settings'],
    ...['rewards/userReward', 'rewards/userRewardWorker'],
    ...['formats/modelFolder', 'formats/quantization', 'formats/weightFiles'],
  ],
  verify: [...WORKER, 'reference', 'worker'],
};

/** Layers that may name the types of these, and nothing else of them. */
const TYPE_ONLY = {
  protocol: ['eval', 'data', 'planner'],
  // Loops emit the events that the page shows; they are described once, in the protocol.
  train: ['protocol/messages'],
  budgets: ['ops/matmul'],
  planner: ['budgets/decisions'],
  ui: ['rewards/reward', 'rewards/userScores', 'planner'],
};

/** Layers that hold shaders of their own. */
const SHADER_LAYERS = ['gpu', 'ops'];

function globsOf(entry) {
  return entry.includes('/') ? [`**/src/${entry}.ts`, `**/src/${entry}/**`] : [`**/src/${entry}/**`];
}

function zoneOf(layer, allowed) {
  const typeOnly = TYPE_ONLY[layer] ?? [];
  const routes = allowed.length > 0 ? `may import ${allowed.join(', ')}` : 'may import no other layer';
  const types = typeOnly.length > 0 ? ` (and types only of ${typeOnly.join(', ')})` : '';
  // A worker's entry file is imported as an address (?worker&url), never as code.
  const entries = layer === 'ui' ? ['**/src/worker/*.worker.ts'] : [];
  return {
    target: `./src/${layer}/**/*`,
    from: './src/**/*',
    except: [...[layer, ...allowed, ...typeOnly].flatMap(globsOf), ...entries],
    message: `${layer} ${routes}${types}.`,
  };
}

const zones = Object.entries(LAYERS).map(([layer, allowed]) => zoneOf(layer, allowed));
const shaderZones = Object.keys(LAYERS)
  .filter((layer) => !SHADER_LAYERS.includes(layer))
  .map((layer) => ({
    target: `./src/${layer}/**/*`,
    from: './shaders',
    message: `${layer} runs shaders through ops; only ${SHADER_LAYERS.join(' and ')} import them.`,
  }));

/** The page's rooms, upper first, as src/ui/README.md has them: none imports from one below its own. */
const UI_ROOMS = [
  ['format', 'parts'],
  ['recipe'],
  ['workerUrls'],
  ['store'],
  ['workerClient', 'workerHandle', 'downloadClient'],
  ['actions', 'hubActions'],
  ['charts'],
  ['exports'],
  ['history', 'run', 'setup', 'HistoryPlace'],
  ['wanted', 'hubModel', 'automation'],
  ['App', 'AppBanners', 'Header', 'Unsupported', 'main'],
].map((room) => room.map((name) => `./src/ui/${name}{.ts,.tsx,/**/*}`));
const roomZones = UI_ROOMS.slice(0, -1).map((room, i) => ({
  target: room,
  from: UI_ROOMS.slice(i + 1).flat(),
  message: 'A room of the page imports only from those above it in src/ui/README.md.',
}));

function typeOnlyRule(layer, targets) {
  const patterns = targets.map((target) => ({
    regex: `^(\\.\\./)+${target}(/|$)`,
    allowTypeImports: true,
    message: `${layer} may import types only from ${target}: write \`import type\`.`,
  }));
  const workers = {
    regex: '^(\\.\\./)+worker/(?!.*\\?worker&url$)',
    message: 'Import a worker by its address: `../worker/NAME.worker.ts?worker&url`.',
  };
  return {
    files: [`src/${layer}/**/*.{ts,tsx}`],
    ignores: ['**/*.test.{ts,tsx}'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [...patterns, workers] }] },
  };
}

/** Types for the rules that need them; each file is looked up in the nearest tsconfig.json. */
const TYPED = { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } };

/** Forgotten awaits. `void` before a promise says that its failure is handled elsewhere. */
const PROMISE_RULES = {
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/await-thenable': 'error',
};

/** Type-checked rules that found no defect here and would only bend the code. */
const NOISY = {
  // Interfaces are written with methods and made of closures: nothing uses `this`.
  '@typescript-eslint/unbound-method': 'off',
  // `async` without `await` keeps a promise's contract: what throws becomes a rejection.
  '@typescript-eslint/require-await': 'off',
  // Error texts print unknown values of users' files whatever they are.
  '@typescript-eslint/no-base-to-string': 'off',
};

const CODE = ['src/**/*.{ts,tsx}', 'e2e/**/*.ts', 'tools/**/*.ts', '*.config.ts'];

export default tseslint.config(
  { ignores: ['dist/', '.cache/', 'node_modules/', 'runs/', 'public/', 'e2e/reference/'] },
  {
    files: ['tools/**/*.mjs', 'eslint.config.js'],
    extends: [js.configs.recommended],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'fetch', 'URL', 'Buffer', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval']
          .concat(['TextEncoder', 'TextDecoder', 'AbortController', 'AbortSignal', 'performance'])
          .map((name) => [name, 'readonly']),
      ),
    },
    rules: { 'no-unused-vars': ['error', { argsIgnorePattern: '^_' }] },
  },
  {
    files: ['tools/**/*.mjs'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: { parser: tseslint.parser, ...TYPED },
    rules: PROMISE_RULES,
  },
  {
    files: CODE,
    extends: [js.configs.recommended, ...tseslint.configs.recommendedTypeChecked],
    languageOptions: TYPED,
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })] },
    rules: {
      ...PROMISE_RULES,
      ...NOISY,
      // A union is switched over whole, with `satisfies never`, or has a default that is meant.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-undef': 'off',
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'import-x/no-cycle': ['error', { maxDepth: 6 }],
      'max-lines': ['error', { max: 400, skipBlankLines: true }],
    },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    // Tests may reach for fixtures (src/reference) and for another implementation; .dependency-cruiser.mjs bounds them.
    ignores: ['**/*.test.{ts,tsx}', '**/testing/**'],
    rules: { 'import-x/no-restricted-paths': ['error', { zones: [...zones, ...shaderZones, ...roomZones] }] },
  },
  ...Object.entries(TYPE_ONLY).map(([layer, targets]) => typeOnlyRule(layer, targets)),
  {
    files: ['src/**/*.{ts,tsx}'],
    ignores: ['src/gpu/memory.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.property.name='createBuffer']",
          message: 'Every GPU buffer has an owner: use rec.scope or gpu.persistent (src/gpu/memory.ts counts them).',
        },
        {
          selector: "CallExpression[callee.property.name='destroy'][callee.object.property.name='buffer']",
          message: 'Give tensors back by gpu.free: commands that use them may still be recorded only.',
        },
      ],
    },
  },
  {
    files: ['src/ui/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': reactHooks },
    rules: { 'react-hooks/rules-of-hooks': 'error', 'react-hooks/exhaustive-deps': 'error' },
  },
  { files: ['tools/**/*.ts', 'e2e/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    // vitest's matchers are `any`.
    files: ['**/*.test.ts', 'e2e/**/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off', '@typescript-eslint/no-unsafe-return': 'off' },
  },
);
