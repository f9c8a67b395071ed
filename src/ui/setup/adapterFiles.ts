// A PEFT adapter from picked or dropped files: two files, a folder or a zip with them. Reads the config for show;
// whether the adapter fits the base model is checked by the trainer, with names. Notes the choice in the settings.

import { unzipSync } from 'fflate';
import { isClutterName } from '../../base/clutter';
import { check, LorikeetError, toErrorRecord } from '../../base/errors';
import { NO_FILES } from '../../formats/modelFolder';
import type { InputFile } from '../../protocol/messages';
import { useSettings, type AdapterChoice, type PickedAdapter } from '../store/settings';

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';
const HINT = `Pick the two files that PEFT saves, ${CONFIG} and ${WEIGHTS}, their folder, or a zip with them.`;
/** Unpacking happens in memory. */
const LARGEST_ZIP = 1e9;

/** A file's name and the folder that it lies in. */
function placeOf(path: string): { folder: string; name: string } {
  const at = path.lastIndexOf('/');
  return { folder: path.slice(0, at + 1), name: path.slice(at + 1) };
}

async function unpacked({ path, file }: InputFile): Promise<InputFile[]> {
  check(file.size <= LARGEST_ZIP, 'adapter.tooLarge', `${path} has ${file.size} bytes.`, 'Unpack it, pick its folder.');
  try {
    const wanted = ({ name }: { name: string }): boolean => [CONFIG, WEIGHTS].includes(placeOf(name).name);
    const entries = unzipSync(new Uint8Array(await file.arrayBuffer()), { filter: wanted });
    return Object.entries(entries).map(([name, bytes]) => ({
      path: name,
      file: new Blob([bytes]),
    }));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new LorikeetError('adapter.zip', `${path} cannot be unpacked (${detail}).`, HINT);
  }
}

/** The one adapter among the files: both files of one folder. */
function findPair(files: readonly InputFile[]): { folder: string; config: Blob; weights: Blob } {
  const configs = files.filter(({ path }) => placeOf(path).name === CONFIG);
  check(configs.length > 0, 'adapter.missingFile', `There is no ${CONFIG} among the files.`, HINT);
  const names = configs.map(({ path }) => path).join(', ');
  check(
    configs.length === 1,
    'adapter.several',
    `There are ${configs.length} adapters: ${names}.`,
    'Pick one of them.',
  );
  const { path, file: config } = configs[0]!;
  const { folder } = placeOf(path);
  const weights = files.find((file) => file.path === folder + WEIGHTS)?.file;
  const pickled = files.some((file) => file.path === `${folder}adapter_model.bin`);
  check(
    weights,
    'adapter.missingFile',
    `There is no ${folder}${WEIGHTS} beside ${path}.`,
    pickled ? 'Pickled weights are not read: save the adapter again with safe_serialization=True.' : HINT,
  );
  return { folder, config, weights };
}

function readConfig(text: string): Omit<PickedAdapter, 'source'> {
  let config: Record<string, unknown>;
  try {
    config = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new LorikeetError('adapter.config', `${CONFIG} is not JSON: ${(error as Error).message}`);
  }
  const { peft_type, r, lora_alpha, target_modules } = config ?? {};
  check(
    peft_type === 'LORA',
    'adapter.config',
    `${CONFIG}: peft_type is ${JSON.stringify(peft_type)}, expected "LORA".`,
  );
  check(
    typeof r === 'number' && typeof lora_alpha === 'number',
    'adapter.config',
    `${CONFIG}: r is ${JSON.stringify(r)} and lora_alpha ${JSON.stringify(lora_alpha)}, expected two numbers.`,
  );
  const targets = Array.isArray(target_modules) ? target_modules : [target_modules];
  return { r, lora_alpha, target_modules: targets.map(String) };
}

/** @throws adapter.missingFile, adapter.several, adapter.zip, adapter.tooLarge, adapter.config */
export async function readAdapterFiles(given: readonly InputFile[]): Promise<PickedAdapter> {
  check(given.length > 0, 'adapter.missingFile', NO_FILES.message, HINT);
  const files = given.filter(({ path }) => !isClutterName(placeOf(path).name));
  const zip = files.find(({ path }) => path.toLowerCase().endsWith('.zip'));
  const { folder, config, weights } = findPair(zip ? await unpacked(zip) : files);
  const text = await config.text();
  const inside = folder.split('/').filter(Boolean).pop();
  const name = inside ?? zip?.path.replace(/\.zip$/i, '') ?? 'adapter';
  return { source: { name, config: text, weights }, ...readConfig(text) };
}

/** Counts the choices, so that files that were overtaken say nothing. */
let latest = 0;

/** Takes files as the adapter of the next run; what is wrong with them stays the choice until another is made. */
export async function takeAdapter(files: readonly InputFile[]): Promise<void> {
  const turn = ++latest;
  const choose = (adapter: AdapterChoice): void => {
    if (turn === latest) useSettings.setState({ adapter });
  };
  choose({ kind: 'reading' });
  try {
    choose({ kind: 'known', adapter: await readAdapterFiles(files) });
  } catch (error) {
    choose({ kind: 'problem', error: toErrorRecord(error) });
  }
}

/** Chooses a fresh adapter in the place of any other. */
export function takeFreshAdapter(): void {
  latest += 1;
  useSettings.setState({ adapter: { kind: 'fresh' } });
}
