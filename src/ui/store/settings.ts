// What the user has chosen: place, theme, recipe, seed, model. Kept in localStorage, files excepted.

import { create } from 'zustand';
import type { ErrorRecord } from '../../base/errors';
import { isClutterName } from '../../base/clutter';
import { NO_FILES, ONLY_FOLDERS } from '../../formats/modelFolder';
import type { AdapterSource, ModelChoice } from '../../protocol/messages';
import type { Recipe } from '../../recipe/config';
import { DEMO_RECIPE, presetOf } from '../recipe/presets';
import { readRecipe, recipeProblem } from '../recipe/readRecipe';
import { parseStoredRecipe } from '../../recipe/recipe';
import { load, save } from './persist';

export type Place = 'setup' | 'run' | 'history';
export type Theme = 'system' | 'light' | 'dark';

/** A model folder that the user picked, with what its config says. */
export interface PickedModel {
  name: string;
  files: Record<string, Blob>;
}

/** A model that was fetched from the hub: of this browser's store, or in a folder on disk that is open. */
export interface ChosenModel {
  key: string;
  id: string;
  folder?: PickedModel;
}

/** An adapter that a run is to start from, with what its config says. */
export interface PickedAdapter {
  source: AdapterSource;
  r: number;
  lora_alpha: number;
  /** Module names, or one pattern over them. */
  target_modules: string[];
}

/** What a run's adapter starts from. One that cannot be read stays chosen: nothing takes its place unasked. */
export type AdapterChoice =
  | { kind: 'fresh' }
  | { kind: 'reading' }
  | { kind: 'known'; adapter: PickedAdapter }
  | { kind: 'problem'; error: ErrorRecord };

export interface Settings {
  place: Place;
  theme: Theme;
  recipe: Recipe;
  seed: number;
  /** Share of rows held out, where file names do not tell. */
  validationRatio: number;
  modelKind: ModelChoice['kind'];
  picked: PickedModel | null;
  /** The model from the hub that was chosen last. */
  stored: ChosenModel | null;
  /** A run that holds its base in 4 bits keeps a copy of it here. */
  keepCopy: boolean;
  /** Why the folder that was picked last is not taken; nothing takes its place. */
  pickFault: ErrorRecord | null;
  adapter: AdapterChoice;
}

export const useSettings = create<Settings>(() => ({
  place: 'setup',
  theme: load('theme', readTheme) ?? 'system',
  recipe: load('recipe', readStoredRecipe) ?? DEMO_RECIPE,
  seed: load('seed', readSeed) ?? 0,
  validationRatio: 0.1,
  modelKind: 'bundled',
  picked: null,
  stored: null,
  keepCopy: load('keepCopy', (value) => (typeof value === 'boolean' ? value : null)) ?? true,
  pickFault: null,
  adapter: { kind: 'fresh' },
}));

function readTheme(value: unknown): Theme | null {
  return value === 'light' || value === 'dark' || value === 'system' ? value : null;
}

function readStoredRecipe(value: unknown): Recipe | null {
  try {
    const kept = parseStoredRecipe(value).recipe;
    // A preset stays what it was; in any other recipe an option that it lacks has its default.
    return presetOf(kept) === null ? readRecipe(value).recipe : kept;
  } catch {
    // A recipe of an older version of the page: the demo's takes its place.
    return null;
  }
}

function readSeed(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/**
 * Takes a picked folder as the model. One that brings no file of its own leaves the choice without a model: neither the
 * folder picked before nor the bundled one may take its place.
 */
export function pickModelFolder(input: HTMLInputElement): void {
  const list = [...(input.files ?? [])];
  input.value = '';
  const name = list[0]?.webkitRelativePath.split('/')[0] || 'model';
  // Only the folder's own files count: a repository may hold other formats in subfolders.
  const own = list.filter((file) => file.webkitRelativePath.split('/').length <= 2 && !isClutterName(file.name));
  const files = Object.fromEntries(own.map((file) => [file.name, file as Blob]));
  const picked = own.length > 0 ? { name, files } : null;
  const pickFault = picked ? null : list.length > 0 ? ONLY_FOLDERS : NO_FILES;
  useSettings.setState({ modelKind: 'files', picked, pickFault });
}

/** Goes to a place of the page. */
export function goTo(place: Place): void {
  useSettings.setState({ place });
  window.scrollTo({ top: 0 });
}

/** Sets and remembers the recipe; the caller has checked it, or shows its problems. */
export function setRecipe(recipe: Recipe): void {
  useSettings.setState({ recipe });
  if (recipeProblem(recipe) === null) save('recipe', recipe);
}

/** Sets and remembers the seed (a whole number from 0 on). */
export function setSeed(seed: number): void {
  useSettings.setState({ seed });
  save('seed', seed);
}

/** Sets and remembers whether 4-bit copies are made. */
export function setKeepCopy(keepCopy: boolean): void {
  useSettings.setState({ keepCopy });
  save('keepCopy', keepCopy);
}

/** Sets and remembers the theme. */
export function setTheme(theme: Theme): void {
  useSettings.setState({ theme });
  save('theme', theme);
}

/** The adapter that a run would start from now; null for a fresh one. */
export function pickedAdapter({ adapter }: Settings): PickedAdapter | null {
  return adapter.kind === 'known' ? adapter.adapter : null;
}

/** Makes a model of the store the one to train: by a person's click, or as the terminal asks. */
export function chooseStored(stored: ChosenModel): void {
  useSettings.setState({ modelKind: 'stored', stored });
}

/** One in a folder is given as its files: workers know no folders. */
function hubSource(stored: ChosenModel | null): ModelChoice | null {
  if (!stored) return null;
  const { key, id, folder } = stored;
  return folder ? { kind: 'files', ...folder, hubId: id } : { kind: 'stored', key, id };
}

/** The model that a run would use now; null while no folder, or none of the hub's models, is chosen. */
export function modelSource(settings: Settings): ModelChoice | null {
  if (settings.modelKind === 'bundled') return { kind: 'bundled', url: new URL('demo/model/', document.baseURI).href };
  if (settings.modelKind === 'stored') return hubSource(settings.stored);
  return settings.picked ? { kind: 'files', ...settings.picked } : null;
}
