// The inputs of single options: text, number, switch, choice, and the list of linears.

import { useId, useState } from 'react';
import { TARGET_MODULES } from '../../base/targetModules';
import { choicesOf, fieldProblem, type RecipeField as Field } from '../recipe/recipeFields';

interface FieldProps {
  field: Field;
  value: unknown;
  onChange(value: unknown): void;
}

/** One option's input, by its kind, with its help or what is wrong. */
export function RecipeField(props: FieldProps): React.JSX.Element | null {
  const { field } = props;
  switch (field.kind.type) {
    case 'boolean':
      return <CheckField {...props} />;
    case 'choice':
      return <ChoiceField {...props} nullText={field.kind.nullText} />;
    case 'modules':
      return <ModulesField {...props} />;
    case 'text':
    case 'number':
      return <TextField {...props} />;
    case 'rewards':
    case 'elsewhere':
      return null;
    default:
      return field.kind satisfies never;
  }
}

function toText(field: Field, value: unknown): string {
  if (value === null) return '';
  return field.kind.type === 'text' ? (value as string).replaceAll('\n', '\\n') : String(value);
}

function fromText(field: Field, text: string): unknown {
  if (field.kind.type === 'text') return text.replaceAll('\\n', '\n');
  return text.trim() === '' ? null : Number(text);
}

/** Texts and numbers alike are typed: a half-typed number must not jump. */
function TextField({ field, value, onChange }: FieldProps): React.JSX.Element {
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const shown = draft ?? toText(field, value);
  const problem = draft === null ? null : fieldProblem(field, fromText(field, draft));
  const type = (text: string): void => {
    setDraft(text);
    const next = fromText(field, text);
    if (fieldProblem(field, next) === null) onChange(next);
  };
  const common = {
    id,
    value: shown,
    'aria-invalid': problem !== null,
    'aria-describedby': `${id}-help`,
    onBlur: () => problem === null && setDraft(null),
  };
  const nullText = field.kind.type === 'number' ? field.kind.nullText : undefined;
  return (
    <div className="field">
      <label className="name" htmlFor={id}>
        {field.name}
      </label>
      {field.kind.type === 'text' && field.kind.long ? (
        <textarea {...common} rows={2} onChange={(event) => type(event.currentTarget.value)} />
      ) : (
        <input
          {...common}
          type="text"
          inputMode={field.kind.type === 'text' ? 'text' : 'decimal'}
          placeholder={nullText}
          onChange={(event) => type(event.currentTarget.value)}
        />
      )}
      <span id={`${id}-help`} className={problem ? 'note badText' : 'note'}>
        {problem ?? field.help}
      </span>
    </div>
  );
}

function CheckField({ field, value, onChange }: FieldProps): React.JSX.Element {
  return (
    <label className="field">
      <span className="name">{field.name}</span>
      <span className="checkRow">
        <input type="checkbox" checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
        {value === true ? 'on' : 'off'}
      </span>
      <span className="note">{field.help}</span>
    </label>
  );
}

function ChoiceField({ field, value, onChange, nullText }: FieldProps & { nullText?: string }): React.JSX.Element {
  const values = choicesOf(field);
  return (
    <label className="field">
      <span className="name">{field.name}</span>
      <select value={values.indexOf(value)} onChange={(event) => onChange(values[Number(event.currentTarget.value)])}>
        {values.map((choice, i) => (
          <option key={i} value={i}>
            {choice === null ? nullText : String(choice)}
          </option>
        ))}
      </select>
      <span className="note">{field.help}</span>
    </label>
  );
}

function ModulesField({ field, value, onChange }: FieldProps): React.JSX.Element {
  const chosen = value as string[];
  const toggle = (name: string, on: boolean): void => {
    const next = TARGET_MODULES.filter((module) => (module === name ? on : chosen.includes(module)));
    if (next.length > 0) onChange(next);
  };
  return (
    <fieldset className="field modules">
      <legend className="name">{field.name}</legend>
      {TARGET_MODULES.map((name) => (
        <label key={name} className="checkRow">
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            onChange={(event) => toggle(name, event.currentTarget.checked)}
          />
          <span className="mono">{name}</span>
        </label>
      ))}
      <span className="note">{field.help}</span>
    </fieldset>
  );
}
