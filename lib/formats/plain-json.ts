/**
 * JSON without spaces, as Ruby writes it: integers of any size as plain digits, text as it is.
 *
 * @param isFloat numbers without a fraction are written with one, because the other side takes them for integers else
 */
export function plainJson(value: unknown, isFloat = false): string {
  switch (typeof value) {
    case 'bigint': return value.toString();
    case 'number': return numberText(value, isFloat);
    case 'string': case 'boolean': return JSON.stringify(value);
    case 'object': break;
    default: return 'null';
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map((item) => plainJson(item, isFloat)).join(',')}]`;
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${plainJson(item)}`).join(',')}}`;
}

function numberText(value: number, isFloat: boolean): string {
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return isFloat && /^-?\d+$/.test(text) ? `${text}.0` : text;
}
