const NOT_ASCII = /[^ -~]/g;

/**
 * JSON as Python's encoder writes it: a space behind `,` and `:`, ASCII alone, integers of any size as plain digits.
 *
 * @param isFloat numbers without a fraction are written with one, because Python takes them for integers else
 */
export function pythonJson(value: unknown, isFloat = false): string {
  switch (typeof value) {
    case 'bigint': return value.toString();
    case 'number': return numberText(value, isFloat);
    case 'string': return pythonString(value);
    case 'boolean': return String(value);
    case 'object': break;
    default: return 'null';
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map((item) => pythonJson(item, isFloat)).join(', ')}]`;
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${fields.map(([key, item]) => `${pythonString(key)}: ${pythonJson(item)}`).join(', ')}}`;
}

function numberText(value: number, isFloat: boolean): string {
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return isFloat && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function pythonString(text: string): string {
  return JSON.stringify(text).replace(NOT_ASCII, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
