import { flushSync } from 'react-dom';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, expect, test } from 'vitest';
import type { GroupStep } from '../store/runView';
import { StepPicker } from './StepPicker';

let root: Root | undefined;
afterEach(() => {
  root?.unmount();
  document.body.replaceChildren();
});

test('the list of steps gives the focus back to its button on Escape, and leaves it to a control that took it', () => {
  const [place, other] = [document.createElement('div'), document.createElement('button')];
  document.body.append(place, other);
  root = createRoot(place);
  const steps = [{ step: 1 }, { step: 2 }] as GroupStep[];
  flushSync(() => root!.render(<StepPicker steps={steps} step={1} onChoose={() => undefined} />));
  const button = place.querySelector<HTMLButtonElement>('.stepButton')!;
  const open = (): HTMLElement => {
    flushSync(() => button.click());
    return place.querySelector<HTMLElement>('.stepList')!;
  };
  const list = open();
  flushSync(() => list.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true })));
  expect([place.querySelector('.stepList'), document.activeElement]).toEqual([null, button]);
  open();
  flushSync(() => other.focus());
  expect([place.querySelector('.stepList'), document.activeElement]).toEqual([null, other]);
});
