/**
 * A recipe's template with its `{name}` places filled, each in one pass: what is put in is data, so `{answer}` or `$&`
 * in it mean nothing. A place whose name has no value stays as it is.
 */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (place, name: string) => (Object.hasOwn(values, name) ? values[name]! : place));
}
