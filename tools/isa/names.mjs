// Names of kernels as they are compiled: the file, then as much of its specialisation as it takes to tell two apart.

/** @typedef {import('../../src/worker/testing/runPipelines').RunPipeline} RunPipeline */

const libraryName = (path) => path.replace(/^lib\/|\.wgsl$/g, '');

/** A library for one storage type ends in its name. */
const STORAGE = /_(f32|bf16|f16|nf4)\.wgsl$/;

/** What is always said: how a matrix is stored, and the size of a head, of kernels that have one. */
function mainWords({ spec, imports }) {
  const storages = Object.values(imports).map((path) => STORAGE.exec(path)?.[1]);
  return [...new Set(storages.filter(Boolean)), ...('D4' in spec ? [`head${4 * spec.D4}`] : [])];
}

/** Its values of constants, and its libraries but those for a storage type. */
function entriesOf({ spec, imports }) {
  const libraries = Object.entries(imports).filter(([asked]) => !STORAGE.test(asked));
  return new Map([...Object.entries(spec), ...libraries]);
}

/** Keys whose values are not the same in all. */
function differing(entries) {
  const keys = new Set(entries.flatMap((own) => [...own.keys()]));
  return [...keys].filter((key) => new Set(entries.map((own) => own.get(key))).size > 1).sort();
}

/** A value that is off says nothing, one that is on its name, a library its own name, any other key and value. */
function wordOf(key, value) {
  if (value === undefined || value === false) return [];
  if (value === true) return [key.toLowerCase()];
  return [String(value).startsWith('lib/') ? libraryName(value) : `${key.toLowerCase()}${value}`];
}

/**
 * @param {RunPipeline[]} pipelines no two with the same file and specialisation
 * @returns {(RunPipeline & {name: string})[]} in the order of names, which are fit for files
 */
export function named(pipelines) {
  const groups = new Map();
  for (const pipeline of pipelines) {
    const base = [pipeline.file.replace(/\.wgsl$/, ''), ...mainWords(pipeline)].join('-');
    groups.set(base, [...(groups.get(base) ?? []), pipeline]);
  }
  return [...groups]
    .flatMap(([base, group]) => {
      const entries = group.map(entriesOf);
      const keys = differing(entries);
      return group.map((pipeline, i) => {
        const words = keys.flatMap((key) => wordOf(key, entries[i].get(key)));
        return { ...pipeline, name: [base, ...words].join('-') };
      });
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
