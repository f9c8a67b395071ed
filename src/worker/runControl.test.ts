import { expect, test } from 'vitest';
import type { RunState } from '../protocol/messages';
import { StopRequested } from '../train/control';
import { createRunControl } from './runControl';

/** A control whose saves end when the test says so, and what it announced. */
function open() {
  const states: RunState[] = [];
  const control = createRunControl((state) => states.push(state));
  const saves: (() => void)[] = [];
  const save = () => new Promise<void>((resolve) => saves.push(resolve));
  /** Lets everything that is ready happen. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const finishSave = async () => {
    await settle();
    saves.shift()!();
    await settle();
  };
  return { control, states, save, saves, settle, finishSave };
}

test('a run that nobody interrupts passes a boundary without a save', async () => {
  const { control, states, save, saves } = open();
  await control.boundary(save);
  expect([saves.length, states]).toEqual([0, []]);
});

test('a pause saves, waits, and goes on when asked', async () => {
  const { control, states, save, finishSave } = open();
  control.pause();
  const passed = control.boundary(save);
  await finishSave();
  expect(states).toEqual(['pausing', 'paused']);
  control.resume();
  await passed;
  expect(states).toEqual(['pausing', 'paused', 'running']);
});

test('a resume while a pause is saving is obeyed', async () => {
  const { control, states, save, settle, finishSave } = open();
  control.pause();
  const passed = control.boundary(save);
  await settle();
  control.resume();
  await finishSave();
  await passed;
  expect(states).toEqual(['pausing', 'running']);
});

test('a stop while a pause is saving is obeyed', async () => {
  const { control, states, save, settle, finishSave } = open();
  control.pause();
  const passed = control.boundary(save).catch((error: unknown) => error);
  await settle();
  control.stop();
  await finishSave();
  expect(await passed).toBeInstanceOf(StopRequested);
  expect(states).toEqual(['pausing', 'stopping']);
});

test('a pause right after a resume pauses again, from a new checkpoint', async () => {
  const { control, states, save, saves, finishSave } = open();
  control.pause();
  const passed = control.boundary(save);
  await finishSave();
  control.resume();
  control.pause();
  await finishSave();
  expect(states).toEqual(['pausing', 'paused', 'running', 'pausing', 'paused']);
  expect(saves).toEqual([]);
  control.resume();
  await passed;
});

test('a pause taken back before it began leaves the run running', async () => {
  const { control, states, save, saves } = open();
  control.pause();
  control.resume();
  await control.boundary(save);
  expect([saves.length, states]).toEqual([0, ['pausing', 'running']]);
});

test('a run that is asked for something is in that state whatever it does meanwhile', () => {
  const { control } = open();
  const states = () => [control.stateOf('loading'), control.stateOf('running')];
  expect(states()).toEqual(['loading', 'running']);
  control.pause();
  expect(states()).toEqual(['pausing', 'pausing']);
  control.resume();
  expect(states()).toEqual(['loading', 'running']);
  control.stop();
  expect(states()).toEqual(['stopping', 'stopping']);
});

test('a stop is for good', async () => {
  const { control, states, save } = open();
  control.stop();
  control.pause();
  control.resume();
  await expect(control.boundary(save)).rejects.toBeInstanceOf(StopRequested);
  expect(states).toEqual(['stopping']);
});

test('a pause whose checkpoint ends the run does not wait', async () => {
  const { control } = open();
  control.pause();
  await expect(control.boundary(() => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
});

test('a gate holds a paused run up until it goes on, and a stopped one ends there once', async () => {
  const { control, states, save, finishSave } = open();
  expect(control.gate(save)).toBeUndefined();
  control.pause();
  const passed = control.gate(save);
  await finishSave();
  expect(states).toEqual(['pausing', 'paused']);
  control.resume();
  await passed;
  control.stop();
  await expect(control.gate(save)).rejects.toBeInstanceOf(StopRequested);
  expect(control.gate(save)).toBeUndefined();
});

test('what a boundary or a gate saves passes the gate', async () => {
  const { control, states, settle } = open();
  control.pause();
  let passes = 0;
  const save = async () => {
    if (control.gate(save) === undefined) passes++;
  };
  const passed = control.boundary(save);
  await settle();
  control.resume();
  await passed;
  control.pause();
  const held = control.gate(save);
  await settle();
  control.resume();
  await held;
  expect(passes).toBe(2);
  expect(states).toEqual(['pausing', 'paused', 'running', 'pausing', 'paused', 'running']);
});

test('whoever asks for something as soon as it is paused is heard', async () => {
  const control = createRunControl((state) => {
    if (state === 'paused') control.resume();
  });
  control.pause();
  await control.gate(async () => undefined);
});
