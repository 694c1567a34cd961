const ESCAPED = /[<>&\u2028\u2029]/g;

/**
 * JSON as Go's encoder writes it: `<`, `>`, `&`, U+2028 and U+2029 are escaped, integers of any size are plain digits, and
 * a zero keeps its sign. Keys stay in their order.
 */
export function goJson(value: unknown): string {
  switch (typeof value) {
    case 'bigint': return value.toString();
    case 'number': return Object.is(value, -0) ? '-0' : String(value);
    case 'string': return goString(value);
    case 'boolean': return String(value);
    case 'object': break;
    default: return 'null';
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${fields.map(([key, item]) => `${goString(key)}:${goJson(item)}`).join(',')}}`;
}

/** As Go writes a map. */
export function sortedKeys<Value>(map: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(map).sort(([one], [other]) => Buffer.compare(Buffer.from(one), Buffer.from(other))));
}

function goString(text: string): string {
  return JSON.stringify(text).replace(ESCAPED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

