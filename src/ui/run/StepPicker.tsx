// Chooses a GRPO step: earlier, later, or from a list of all of them. The list is virtual, for runs of thousands.

import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useId, useRef, useState } from 'react';
import { Icon } from '../parts/Icon';
import type { GroupStep } from '../store/runView';

const OPTION_HEIGHT = 28;
const PAGE = 8;

export interface StepPickerProps {
  /** In order; at least one. */
  steps: readonly GroupStep[];
  step: number;
  onChoose(step: number): void;
}

/** Two arrows and the step between them, which opens the list. */
export function StepPicker({ steps, step, onChoose }: StepPickerProps): React.JSX.Element {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const at = steps.findIndex((known) => known.step === step);
  const close = (): void => setOpen(false);
  /** For who used the list itself: its focus would be lost with it. */
  const closeToButton = (): void => {
    close();
    button.current?.focus();
  };
  return (
    <span className="stepBrowser num">
      <Arrow name="Earlier step" icon="left" to={steps[at - 1]?.step} onChoose={onChoose} />
      <button
        ref={button}
        type="button"
        className="stepButton"
        aria-haspopup="listbox"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        Step {step}
      </button>
      <Arrow name="Later step" icon="right" to={steps[at + 1]?.step} onChoose={onChoose} />
      {open && (
        <StepList
          steps={steps}
          at={at}
          onLeave={close}
          onClose={closeToButton}
          onChoose={(next) => {
            closeToButton();
            onChoose(next);
          }}
        />
      )}
    </span>
  );
}

interface ArrowProps {
  name: string;
  icon: 'left' | 'right';
  to: number | undefined;
  onChoose(step: number): void;
}

function Arrow({ name, icon, to, onChoose }: ArrowProps): React.JSX.Element {
  return (
    <button
      type="button"
      className="iconButton"
      aria-label={name}
      disabled={to === undefined}
      onClick={() => to !== undefined && onChoose(to)}
    >
      <Icon name={icon} size={11} />
    </button>
  );
}

interface StepListProps extends Pick<StepPickerProps, 'steps' | 'onChoose'> {
  /** Index of the step on show. */
  at: number;
  /** Another control has taken the focus. */
  onLeave(): void;
  onClose(): void;
}

/** The list: arrows, page, Home and End move, digits go to that step, Enter takes it, Escape leaves all as it was. */
function StepList({ steps, at, onChoose, onLeave, onClose }: StepListProps): React.JSX.Element {
  const [active, setActive] = useState(at);
  const [typed, setTyped] = useState('');
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const virtual = useVirtualizer({
    count: steps.length,
    getScrollElement: () => box.current,
    estimateSize: () => OPTION_HEIGHT,
    initialOffset: Math.max(0, at - PAGE / 2) * OPTION_HEIGHT,
    overscan: 4,
  });
  useEffect(() => box.current?.focus({ preventScroll: true }), []);
  const move = (to: number): void => {
    const next = Math.min(steps.length - 1, Math.max(0, to));
    setActive(next);
    virtual.scrollToIndex(next);
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Tab') return onClose();
    const digits = /^\d$/.test(event.key) ? typed + event.key : '';
    setTyped(digits);
    const to = digits === '' ? moved(event.key, active, steps.length) : nearest(steps, Number(digits));
    if (to !== null) move(to);
    else if (event.key === 'Enter' || event.key === ' ') onChoose(steps[active]!.step);
    else if (event.key === 'Escape') onClose();
    else return;
    event.preventDefault();
  };
  return (
    <div
      ref={box}
      className="stepList"
      role="listbox"
      aria-label="Step"
      tabIndex={0}
      aria-activedescendant={`${id}-${active}`}
      onKeyDown={onKeyDown}
      onBlur={(event) => !event.currentTarget.parentElement?.contains(event.relatedTarget) && onLeave()}
    >
      <div role="presentation" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => (
          <div
            key={index}
            id={`${id}-${index}`}
            role="option"
            className={index === active ? 'active' : undefined}
            aria-selected={index === at}
            aria-setsize={steps.length}
            aria-posinset={index + 1}
            style={{ transform: `translateY(${start}px)` }}
            onClick={() => onChoose(steps[index]!.step)}
          >
            Step {steps[index]!.step}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Where a key moves to, not yet within the list; null for a key that does not move. */
function moved(key: string, from: number, count: number): number | null {
  switch (key) {
    case 'ArrowUp':
      return from - 1;
    case 'ArrowDown':
      return from + 1;
    case 'PageUp':
      return from - PAGE;
    case 'PageDown':
      return from + PAGE;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}

/** Index of the first step from `wanted` on, or of the last one. */
function nearest(steps: readonly GroupStep[], wanted: number): number {
  const found = steps.findIndex(({ step }) => step >= wanted);
  return found < 0 ? steps.length - 1 : found;
}
