// Command line flags of the launcher, and the flags that npm swallowed because `--` was missing.

import { parseArgs } from 'node:util';
import { Failure } from './failure.mjs';

/**
 * @typedef {object} Option
 * @property {'string' | 'boolean'} type
 * @property {string} [value] placeholder shown in the usage text, e.g. DIR
 * @property {string} about one line for the usage text
 */

/** How a person runs the command. */
function npmCommand(name) {
  return name === 'start' || name === 'test' ? `npm ${name}` : `npm run ${name}`;
}

function usage(name, options, positional) {
  const lines = Object.entries(options).map(([flag, { value, about }]) => {
    return `  ${`--${flag}${value ? ` ${value}` : ''}`.padEnd(18)} ${about}`;
  });
  return [`usage: ${npmCommand(name)} -- ${positional ? `${positional} ` : ''}[flags]`, ...lines].join('\n');
}

/** Flags of this command that npm took for itself, written as they should have been. */
function swallowedFlags(options, given, positionals, environment) {
  const words = [...positionals];
  const flags = [];
  for (const [flag, option] of Object.entries(options)) {
    // npm puts --my-flag into npm_config_my_flag.
    const value = environment[`npm_config_${flag.replaceAll('-', '_')}`];
    if (!value || given.includes(flag)) continue;
    if (option.type === 'boolean') flags.push(`--${flag}`);
    // `--data X` leaves X as a lone word and the value `true`; `--data=X` keeps it.
    else flags.push(`--${flag} ${value === 'true' ? (words.shift() ?? option.value) : value}`);
  }
  return flags;
}

function parse(name, options, argv, positional) {
  const types = Object.fromEntries(Object.entries(options).map(([flag, { type }]) => [flag, { type }]));
  types.help = { type: 'boolean' };
  try {
    return parseArgs({ args: argv, options: types, strict: true, allowPositionals: true });
  } catch (error) {
    throw new Failure(error.message.split('. ')[0], usage(name, options, positional).replaceAll('\n', '\n  '));
  }
}

/**
 * Reads the flags of a command.
 * @param {string} name command, e.g. train
 * @param {Record<string, Option> & {positional?: string}} spec its flags; `positional` names a word it takes, with three
 *   dots any number of words
 * @param {string[]} argv words after the command
 * @returns {Record<string, string | boolean | string[] | undefined> | null} values by flag (`positional` too; a list where
 *   it is any number); null after --help
 * @throws Failure for unknown flags, unwanted words, and flags that npm swallowed
 */
export function readArguments(name, spec, argv, environment = process.env) {
  const { positional, ...options } = spec;
  const { values, positionals } = parse(name, options, argv, positional);
  const swallowed = swallowedFlags(options, Object.keys(values), positionals, environment);
  if (swallowed.length > 0) {
    const words = positional && positionals.length > 0 ? `${positionals[0]} ` : '';
    throw new Failure(
      'npm kept the flags for itself, because there was no -- before them.',
      `Run instead: ${npmCommand(name)} -- ${words}${swallowed.join(' ')}`,
    );
  }
  if (values.help) {
    process.stdout.write(`${usage(name, options, positional)}\n`);
    return null;
  }
  const many = positional?.endsWith('...') ?? false;
  if (!many && positionals.length > (positional ? 1 : 0)) {
    throw new Failure(
      `unexpected word: ${positionals.at(-1)}`,
      usage(name, options, positional).replaceAll('\n', '\n  '),
    );
  }
  return { ...values, ...(positional ? { positional: many ? positionals : positionals[0] } : {}) };
}

/**
 * Reads a whole number from a flag.
 * @throws Failure unless `text` is a decimal integer in [low, high]
 */
export function readInteger(flag, text, low, high) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high) {
    throw new Failure(`--${flag} ${text}: expected a whole number from ${low} to ${high}`);
  }
  return value;
}
