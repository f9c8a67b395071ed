// `npm run isa`: compiles every kernel of a run of the 3B for two GPUs that are not there, and compares what they cost
// with the committed table.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { ensurePackages } from '../launcher/packages.mjs';
import { inRepository } from '../launcher/paths.mjs';
import { captureProgram } from '../launcher/processes.mjs';
import { ensureVenv } from '../launcher/venv.mjs';
import { DAWN_VERSION, ensureDawn } from '../mesa/dawn.mjs';
import { ensureMesa } from '../mesa/mesa.mjs';
import { userPath } from '../train/inputs.mjs';
import { collectKernels, writeKernels } from './collect.mjs';
import { compared, figuresOf } from './figures.mjs';
import { readTable, tableText } from './table.mjs';

export const options = {
  only: { type: 'string', value: 'TEXT', about: 'only kernels with TEXT in their names' },
  json: { type: 'string', value: 'FILE', about: 'write all figures of all kernels, loop by loop' },
  update: { type: 'boolean', about: 'write the table anew instead of comparing with it' },
};

const HERE = inRepository('tools', 'isa');
const CACHE = inRepository('.cache', 'isa');
const TABLE = join(HERE, 'table.md');
/** RDNA 3 and RDNA 2. */
const FAMILIES = ['navi31', 'navi21'];

async function compilers() {
  await ensurePackages();
  const mesa = await ensureMesa();
  const dawn = await ensureDawn();
  const python = await ensureVenv({
    folder: join(CACHE, 'venv'),
    requirements: join(HERE, 'requirements.txt'),
    brings: 'the Vulkan loader for Python',
    hint: 'Python 3 with venv and pip is needed.',
  });
  return { mesa, dawn, python };
}

/** Rows as isa.py writes them, kernel by kernel. @throws Failure for what could not be compiled */
async function compile(kernels, { mesa, dawn, python }) {
  const files = writeKernels(join(CACHE, 'wgsl'), kernels);
  const asm = join(CACHE, 'asm');
  const json = join(CACHE, 'rows.json');
  for (const path of [asm, json]) rmSync(path, { recursive: true, force: true });
  const families = FAMILIES.flatMap((family) => ['--family', family]);
  const args = [join(HERE, 'isa.py'), '--mesa', mesa.folder, '--dawn', dawn, '--json', json, '--asm', asm, ...families];
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
  const { code, output } = await captureProgram(python, [...args, ...files], { env });
  if (code !== 0) throw new Failure(`isa.py ended with code ${code}: ${output.trim().slice(-800)}`);
  const rows = JSON.parse(readFileSync(json, 'utf8'));
  const failed = rows.filter(({ error }) => error !== undefined);
  if (failed.length > 0) {
    const lines = failed.map(({ name, error }) => `${name}: ${error}`).join('\n  ');
    throw new Failure(`${failed.length} kernels were not compiled.`, lines);
  }
  const place = new Map(kernels.map(({ name }, i) => [name, i]));
  return rows.sort((a, b) => place.get(a.name) - place.get(b.name));
}

/** The committed table; the first one is written from nothing. */
const tableOnDisk = () => (existsSync(TABLE) ? readFileSync(TABLE, 'utf8') : '');

/** What the table's figures were made with: another version may give others. */
const madeWith = (mesa) => `Mesa ${mesa.version}, webgpu ${DAWN_VERSION}`;

function tableFile(rows, mesa) {
  return `# Kernels of a run of the 3B on RDNA 3 and RDNA 2

Written by \`npm run isa -- --update\` with ${madeWith(mesa)}; [README.md](README.md) says what the columns mean.

${tableText(rows)}
`;
}

/** Compares with the table, of which `only` a part was compiled; prints what differs. @returns {boolean} nothing is worse */
function compareWithTable(rows, { only, mesa }) {
  const text = tableOnDisk();
  const table = readTable(text).filter(({ name }) => name.includes(only));
  const { regressions, added, gone } = compared(table, rows);
  const print = (title, lines) => {
    if (lines.length > 0) process.stdout.write(`\n${title}\n${lines.map((line) => `  ${line}\n`).join('')}`);
  };
  if (!text.includes(madeWith(mesa))) {
    process.stdout.write(`\nThe table was made with another compiler than ${madeWith(mesa)}.\n`);
  }
  print('Not in the table (npm run isa -- --update writes it):', added);
  print('In the table, but not compiled any more:', gone);
  print('Worse than the table:', regressions);
  if (regressions.length === 0) process.stdout.write('\nNothing is worse than the table.\n');
  return regressions.length === 0;
}

/** The table with these rows in the place of those that had been compiled. */
function updateTable(rows, { only, mesa }) {
  const others = only === '' ? [] : readTable(tableOnDisk()).filter(({ name }) => !name.includes(only));
  const order = (row) => `${row.name} ${FAMILIES.indexOf(row.family)}`;
  const all = [...others, ...rows].sort((a, b) => (order(a) < order(b) ? -1 : 1));
  writeFileSync(TABLE, tableFile(all, mesa));
  process.stdout.write(`\n${TABLE} is written.\n`);
}

/**
 * @param {{only?: string, json?: string, update?: boolean}} flags
 * @returns {Promise<number>} 0 unless a kernel is worse than the table
 */
export async function run({ only = '', json, update = false }) {
  const tools = await compilers();
  const kernels = (await collectKernels()).filter(({ name }) => name.includes(only));
  if (kernels.length === 0) throw new Failure(`no kernel of a run has "${only}" in its name.`);
  process.stdout.write(`Compiling ${kernels.length} kernels for ${FAMILIES.join(' and ')}...\n`);
  const rows = await compile(kernels, tools);
  if (json !== undefined) writeFileSync(userPath(json), `${JSON.stringify(rows, null, 1)}\n`);
  const figures = rows.map(figuresOf);
  process.stdout.write(`\n${tableText(figures)}\n`);
  const context = { only, mesa: tools.mesa };
  if (!update) return compareWithTable(figures, context) ? 0 : 1;
  updateTable(figures, context);
  return 0;
}
