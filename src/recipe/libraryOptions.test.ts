import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultRecipe } from './defaultRecipe';
import { REWRITTEN_OPTIONS } from './libraryForms';
import { FIXED_OPTIONS, IGNORED_OPTIONS, IGNORED_REASONS } from './libraryOptions';
import { parseRecipe } from './recipe';
import { SECTION_RULES, SECTIONS } from './recipeRules';
import type { Section } from './recipeRules';
import { problemOf } from './testing/problemOf';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Every option of the three classes with its default, written by tools/parity/list_options.py. */
const listing = JSON.parse(read('tools/parity/trl_options.json')) as Record<string, Record<string, unknown>>;
const CLASSES: [string, Section][] = [
  ['LoraConfig', 'lora'],
  ['SFTConfig', 'sft'],
  ['GRPOConfig', 'grpo'],
];

/** The tables in which a name of a section stands. */
function decisionsOn(section: Section, name: string): string[] {
  const tables: [string, readonly string[]][] = [
    ['rule', Object.keys(SECTION_RULES[section])],
    ['rewritten', REWRITTEN_OPTIONS[section]],
    ['fixed', Object.keys(FIXED_OPTIONS[section])],
    ['ignored', Object.keys(IGNORED_OPTIONS[section])],
  ];
  return tables.filter(([, names]) => names.includes(name)).map(([table]) => table);
}

/** A small number as the page writes it. */
function exponent(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
}

/** Defaults that differ from the libraries' on purpose; docs/options.md gives the reasons. */
const DEVIATIONS: Partial<Record<Section, Record<string, unknown>>> = {
  lora: { target_modules: ['q_proj', 'v_proj'] },
  sft: { max_length: null, completion_only_loss: true, eval_steps: 0, metric_for_best_model: 'eval_loss' },
  grpo: { eval_steps: 0, metric_for_best_model: 'eval_loss' },
};
for (const stage of ['sft', 'grpo'] as const)
  Object.assign(DEVIATIONS[stage]!, { save_steps: 10, save_total_limit: 2 });

describe.each(CLASSES)('%s', (cls, section) => {
  const fields = Object.keys(listing[cls]!);

  it('has a decision on every field, and on each only one', () => {
    const undecided = fields.filter((name) => decisionsOn(section, name).length !== 1);
    expect(undecided.map((name) => [name, decisionsOn(section, name)])).toEqual([]);
  });

  it("has the library's default where the option is ours, but for the documented deviations", () => {
    const ours: Record<string, unknown> = { ...defaultRecipe[section] };
    const shared = fields.filter((name) => Object.hasOwn(ours, name));
    const theirs = Object.fromEntries(shared.map((name) => [name, listing[cls]![name]]));
    const here = Object.fromEntries(shared.map((name) => [name, ours[name]]));
    expect(here).toEqual({ ...theirs, ...DEVIATIONS[section] });
  });

  it("accepts the library's own defaults, all of them given", () => {
    // What JSON cannot hold is listed as the text of a constructor's call.
    const given = Object.entries(listing[cls]!).map(([name, value]) => [
      name,
      /^\w+\(/.test(String(value)) ? {} : value,
    ]);
    expect(() => parseRecipe({ [section]: Object.fromEntries(given) })).not.toThrow();
  });

  it('stands in docs/options.md with every field', () => {
    const page = read('docs/options.md');
    expect(fields.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('docs/options.md', () => {
  const page = read('docs/options.md');

  it('gives every option of ours with its default', () => {
    const { lora, sft, grpo, eval: _eval, system_prompt: _long, ...own } = defaultRecipe;
    const given = [own, lora, sft, grpo].flatMap((options) => Object.entries<unknown>({ ...options }));
    const missing = given.filter(([name, value]) => {
      const text =
        typeof value === 'string'
          ? value.replaceAll('\n', '\\n')
          : typeof value === 'number'
            ? exponent(value)
            : JSON.stringify(value);
      return !page.split('\n').some((line) => line.startsWith(`| \`${name}\` |`) && line.includes(`\`${text}\``));
    });
    expect(missing).toEqual([]);
  });

  it('names tests that exist', () => {
    const paths = [...page.matchAll(/`([\w/.]+\.(?:test|e2e)\.ts)`/g)].map((match) => match[1]!);
    expect(paths.length).toBeGreaterThan(50);
    const isThere = (path: string): boolean => existsSync(new URL(`../../${path}`, import.meta.url));
    expect(paths.filter((path) => !isThere(`src/${path}`) && !isThere(path))).toEqual([]);
  });
});

const fixed = SECTIONS.flatMap((section) =>
  Object.entries(FIXED_OPTIONS[section]).map(([name, option]) => ({ section, name, option })),
);

it.each(fixed)(
  'refuses $section.$name by name and reason, and accepts its only setting',
  ({ section, name, option }) => {
    const { code, message } = problemOf({ [section]: { [name]: 'another' } });
    expect(code).toBe('recipe.unsupported');
    expect(message).toContain(`${section}.${name} is "another"; allowed: ${option.rule.allowed} (${option.why})`);
    for (const value of option.rule.values ?? []) {
      expect(parseRecipe({ [section]: { [name]: value } })).toEqual({ recipe: defaultRecipe, notes: [], seed: null });
    }
  },
);

describe('options without effect', () => {
  it('are accepted, not stored, and named in a note with the reason', () => {
    const given = { report_to: 'wandb', output_dir: 'out', bf16: true, logging_steps: 1, run_name: 'a' };
    const { recipe, notes } = parseRecipe({ sft: given, grpo: { use_vllm: true } });
    expect(recipe).toEqual(defaultRecipe);
    expect(notes).toContain(`Ignored, ${IGNORED_REASONS.files}: sft.output_dir, sft.run_name.`);
    expect(notes).toContain(`Ignored, ${IGNORED_REASONS.logging}: sft.report_to, sft.logging_steps.`);
    expect(notes).toContain(`Ignored, ${IGNORED_REASONS.precision}: sft.bf16.`);
    expect(notes).toContain(`Ignored, ${IGNORED_REASONS.generation}: grpo.use_vllm.`);
  });

  it('are not worth a note where they are null', () => {
    expect(parseRecipe({ sft: { output_dir: null } }).notes).toEqual([]);
  });
});

it('refuses names that no library has', () => {
  expect(problemOf({ sft: { learning_rte: 1 } })).toMatchObject({ code: 'recipe.unknown' });
  expect(problemOf({ lora: JSON.parse('{"constructor": 1}') })).toMatchObject({ code: 'recipe.unknown' });
});
