// The GPU memory that a user can name: WebGPU does not tell it, and trying how much there is can freeze a desktop.

/** A choice of GPU memory, with cards that have it. */
export interface GpuMemoryChoice {
  gigabytes: number;
  cards: string;
}

export const GPU_MEMORY_CHOICES: readonly GpuMemoryChoice[] = [
  { gigabytes: 4, cards: 'GTX 1650, RTX 3050 Laptop, integrated graphics' },
  { gigabytes: 6, cards: 'RTX 2060, RTX 3060 Laptop, RTX 4050 Laptop' },
  { gigabytes: 8, cards: 'RTX 3070, RTX 4060, RX 7600, MacBook with 16 GB' },
  { gigabytes: 12, cards: 'RTX 3060, RTX 4070, Arc B580, RX 7700 XT' },
  { gigabytes: 16, cards: 'RTX 4060 Ti 16 GB, RTX 4080, RX 7800 XT, MacBook with 32 GB' },
  { gigabytes: 24, cards: 'RTX 3090, RTX 4090, RX 7900 XTX' },
];

export const DEFAULT_GPU_MEMORY_GB = 8;

/** Bytes of a figure in gigabytes, as cards are sold. */
export function gpuMemoryBytes(gigabytes: number): number {
  return gigabytes * 2 ** 30;
}
