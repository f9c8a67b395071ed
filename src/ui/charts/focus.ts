// What all charts of a run share: axis, the part on show, zoom, and the step under the pointer.

import { create } from 'zustand';
import type { AxisMode } from '../store/series';

export type Part = 'all' | 'sft' | 'grpo';

export interface ChartFocus {
  mode: AxisMode;
  part: Part;
  /** Range chosen by dragging; null: the whole part. */
  zoom: [number, number] | null;
  /** Position under the pointer, in axis units. */
  hover: number | null;
}

export const useChartFocus = create<ChartFocus>(() => ({ mode: 'step', part: 'all', zoom: null, hover: null }));
