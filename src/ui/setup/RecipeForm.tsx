// Every option of the recipe as a form, grouped by section, each under its name in TRL or PEFT.

import { useId, useState } from 'react';
import type { Recipe } from '../../train/config';
import { fieldProblem, fieldValue, MODULES, SECTIONS, withField, type RecipeField } from './recipeFields';

export interface RecipeFormProps {
  recipe: Recipe;
  onChange(recipe: Recipe): void;
}

/** The folded part of the Recipe card. A wrong entry is marked and not taken over. */
export function RecipeForm({ recipe, onChange }: RecipeFormProps): React.JSX.Element {
  return (
    <div className="recipeForm">
      {SECTIONS.map(({ section, title, fields }) => (
        <fieldset key={section}>
          <legend className="label">{title}</legend>
          <div className={section === '' ? 'fields wide' : 'fields'}>
            {fields.map((field) => (
              <Field
                key={field.name}
                field={field}
                value={fieldValue(recipe, field)}
                onChange={(value) => onChange(withField(recipe, field, value))}
              />
            ))}
          </div>
        </fieldset>
      ))}
    </div>
  );
}

interface FieldProps {
  field: RecipeField;
  value: unknown;
  onChange(value: unknown): void;
}

function Field(props: FieldProps): React.JSX.Element {
  const { field } = props;
  switch (field.kind.type) {
    case 'boolean':
      return <CheckField {...props} />;
    case 'choice':
      return <ChoiceField {...props} options={field.kind.options} />;
    case 'modules':
      return <ModulesField {...props} />;
    case 'text':
    case 'number':
    case 'pair':
      return <TextField {...props} />;
  }
}

function toText(field: RecipeField, value: unknown): string {
  if (value === null) return '';
  if (field.kind.type === 'pair') return (value as number[]).join(', ');
  return field.kind.type === 'text' ? (value as string).replaceAll('\n', '\\n') : String(value);
}

function fromText(field: RecipeField, text: string): unknown {
  if (field.kind.type === 'text') return text.replaceAll('\\n', '\n');
  if (field.kind.type === 'pair') return text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
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

function ChoiceField({
  field,
  value,
  onChange,
  options,
}: FieldProps & { options: readonly string[] }): React.JSX.Element {
  return (
    <label className="field">
      <span className="name">{field.name}</span>
      <select value={String(value)} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
      <span className="note">{field.help}</span>
    </label>
  );
}

function ModulesField({ field, value, onChange }: FieldProps): React.JSX.Element {
  const chosen = value as string[];
  const toggle = (name: string, on: boolean): void => {
    const next = MODULES.filter((module) => (module === name ? on : chosen.includes(module)));
    if (next.length > 0) onChange(next);
  };
  return (
    <fieldset className="field modules">
      <legend className="name">{field.name}</legend>
      {MODULES.map((name) => (
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
