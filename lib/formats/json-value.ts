/**
 * What JSON can say of a value, with integers of any size as `bigint`: as `JSON.stringify` would write it, of what it cannot
 * write nothing. Never throws.
 *
 * @returns `problem` where it has no JSON at all, as a list that is in itself
 */
export function jsonValue(value: unknown): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: plain(value, '') ?? null };
  } catch (error) {
    return { problem: error instanceof RangeError ? 'it is nested too deeply, or is within itself' : String((error as Error | undefined)?.message ?? error) };
  }
}

function plain(value: unknown, key: string): unknown {
  switch (typeof value) {
    case 'bigint': case 'string': case 'boolean': return value;
    case 'number': return Number.isFinite(value) ? value : null;
    case 'object': break;
    default: return undefined;
  }
  if (value === null) return null;
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return plain((toJSON as (key: string) => unknown).call(value, key), key);
  if (Array.isArray(value)) return value.map((item, index) => plain(item, String(index)) ?? null);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item, name)]).filter(([, item]) => item !== undefined));
}
