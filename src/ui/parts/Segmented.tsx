// A switch between a few named choices: one radio group, moved through with the arrow keys.

export interface SegmentedProps<T extends string> {
  label: string;
  options: { value: T; label: string }[];
  /** null: none of them. */
  value: T | null;
  onChange(value: T): void;
  small?: boolean;
}

/** Renders the choices; the chosen one takes the focus in the tab order. */
export function Segmented<T extends string>({
  label,
  options,
  value,
  onChange,
  small = false,
}: SegmentedProps<T>): React.JSX.Element {
  const move = (event: React.KeyboardEvent<HTMLDivElement>): void => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = options.findIndex((option) => option.value === value);
    const next = (at + step + options.length) % options.length;
    onChange(options[next]!.value);
    (event.currentTarget.children[next] as HTMLElement | undefined)?.focus();
  };
  const entry = value ?? options[0]?.value;
  return (
    <div className={small ? 'segmented small' : 'segmented'} role="radiogroup" aria-label={label} onKeyDown={move}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          tabIndex={option.value === entry ? 0 : -1}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}
