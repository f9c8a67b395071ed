// One uPlot chart in React. Created and redrawn through the draw queue; resized with its box; rebuilt with the theme.

import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import { useTheme } from '../store/useTheme';
import type { ChartSpec } from './chartSpec';
import { cancelDraw, scheduleDraw } from './drawQueue';
import { useChartFocus } from './focus';
import { readPalette } from './palette';
import { plotData, plotOptions, type SpecHolder } from './plotOptions';

export interface PlotCanvasProps {
  spec: ChartSpec;
  height: number;
  left: number;
  right: number;
  small?: boolean;
  /** What a reader who cannot see the chart is told. */
  label: string;
}

/** Draws a spec; new data keeps zoom and pointer. Dragging zooms all charts of the run, a double click resets. */
export function PlotCanvas({ spec, height, left, right, small = false, label }: PlotCanvasProps): React.JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const holder = useRef<SpecHolder>({ spec });
  const width = useWidth(box);
  const theme = useTheme();
  const shape = shapeOf(spec);

  useEffect(() => {
    const element = box.current;
    const key = holder.current;
    if (!element || width < 40) return;
    scheduleDraw(key, () => {
      const size = { width, height, left, right };
      const options = withGestures(plotOptions(key, size, readPalette(element), small));
      plot.current = new uPlot(options, plotData(key.spec, width), element);
    });
    return () => {
      cancelDraw(key);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [width, height, left, right, small, theme, shape]);

  useEffect(() => {
    const key = holder.current;
    key.spec = spec;
    // While the chart is not created yet, its creation is what waits in the queue; it will read the newest spec.
    if (plot.current) scheduleDraw(key, () => plot.current && redraw(plot.current, key.spec));
  }, [spec]);

  return <div ref={box} className="plot" style={{ height }} role="img" aria-label={label} />;
}

/** Changes when the chart must be built anew: another number or kind of lines or axes. */
function shapeOf(spec: ChartSpec): string {
  const lines = spec.lines.map((line) => `${line.kind}${line.ink}${line.scale}`).join();
  return `${lines}|${spec.y2 !== null}|${spec.showX}|${spec.band?.upper ?? ''}`;
}

function redraw(plot: uPlot, spec: ChartSpec): void {
  plot.batch(() => {
    plot.setData(plotData(spec, plot.width), false);
    plot.setScale('x', { min: spec.xRange[0], max: spec.xRange[1] });
    plot.redraw(false, true);
  });
}

function withGestures(options: uPlot.Options): uPlot.Options {
  const setSelect = (plot: uPlot): void => {
    if (plot.select.width < 6) return;
    const from = plot.posToVal(plot.select.left, 'x');
    const to = plot.posToVal(plot.select.left + plot.select.width, 'x');
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    useChartFocus.setState({ zoom: [from, to] });
  };
  const setCursor = (plot: uPlot): void => {
    const { left } = plot.cursor;
    const hover = left === undefined || left < 0 ? null : plot.posToVal(left, 'x');
    if (useChartFocus.getState().hover !== hover) useChartFocus.setState({ hover });
  };
  const ready = (plot: uPlot): void => {
    plot.over.addEventListener('dblclick', () => useChartFocus.setState({ zoom: null }));
  };
  return {
    ...options,
    hooks: { ...options.hooks, setSelect: [setSelect], setCursor: [setCursor], ready: [ready] },
  };
}

function useWidth(box: React.RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [box]);
  return width;
}
