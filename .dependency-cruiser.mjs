// How files may depend on one another, types and tests included: no circle, and no import upwards between the folders of
// src. A test that needs more than its folder may is a test of the folder that may.
// eslint.config.js says, more narrowly, which layers one may import; this says that there is an order at all.

/** From the lowest to the highest; each may import what stands before it. */
const LAYERS = [
  ...['base', 'formats', 'hub', 'reference', 'text', 'image', 'gpu', 'recipe', 'rewards', 'storage', 'data'],
  ...['ops', 'model', 'budgets', 'planner', 'infer', 'eval', 'protocol', 'train', 'worker', 'verify', 'ui'],
];

function noImportUpwards(layer, rank) {
  return {
    name: `${layer}-imports-downwards`,
    severity: 'error',
    comment: `${layer} may import ${LAYERS.slice(0, rank).join(', ') || 'no other folder'}.`,
    from: { path: `^src/${layer}/` },
    to: { path: `^src/(${LAYERS.slice(rank + 1).join('|')})/` },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Files that need each other are one file, or lack a third that both import.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'every-folder-has-a-layer',
      severity: 'error',
      comment: 'A new folder of src needs its place in LAYERS.',
      from: { path: '^src/[^/]+/', pathNot: `^src/(${LAYERS.join('|')})/` },
      to: {},
    },
    {
      name: 'download-worker-sees-no-data',
      severity: 'error',
      comment:
        'The download worker may reach another host, so nothing that it imports may read rows, pictures or runs.',
      from: { path: '^src/worker/download\\.worker\\.ts$' },
      to: {
        path: '^src/(data|recipe|rewards|text|image|infer|eval|train|storage/(?!model|database|connection|folder\\.))',
        reachable: true,
      },
    },
    ...LAYERS.slice(0, -1).map(noImportUpwards),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Types count: two files that name each other's types cannot be read one without the other.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.mts', '.mjs', '.js', '.json'] },
  },
};
