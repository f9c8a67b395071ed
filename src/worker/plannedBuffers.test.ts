// The plan's list of the base's buffers beside the one that loading goes by.

import { expect, it } from 'vitest';
import { CONFIG_3B } from '../model/testing/config3b';
import { zeroWeights } from '../model/testing/zeroWeights';
import { modelLayout } from '../model/qwen25vl';
import { languageBuffers, towerBuffers } from '../planner/baseBytes';

const LIMITS = { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 - 4 };

async function loaded(nf4: boolean): Promise<number[]> {
  const storage = { dtype: 'bfloat16', nf4: nf4 ? { doubleQuant: true } : null } as const;
  const entries = await modelLayout(zeroWeights(CONFIG_3B), CONFIG_3B, storage, LIMITS);
  return entries.flatMap(({ parts }) => parts.flatMap(({ bytes }) => bytes));
}

function planned(storage: 'nf4' | 'bf16'): number[] {
  const types = { storage, tables: 'bf16' } as const;
  const buffers = [...languageBuffers(CONFIG_3B, types), ...towerBuffers(CONFIG_3B, types)];
  return buffers.flatMap(({ bytes, count }) => new Array<number>(count).fill(bytes));
}

const ascending = (list: number[]): number[] => list.sort((a, b) => a - b);

it.each(['nf4', 'bf16'] as const)(
  'the base of the 3B in %s is planned as the buffers that it is loaded into',
  async (storage) => {
    expect(ascending(planned(storage))).toEqual(ascending(await loaded(storage === 'nf4')));
  },
);
