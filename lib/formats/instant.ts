/** RFC 3339 as Go writes it: in UTC, without zeros at the end. */
export function instantOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.?0+Z$/, 'Z');
}

/** ISO 8601, which is UTC where it names no zone, in milliseconds since 1970. `undefined`: it is no time. */
export function readInstant(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?/.test(text)) return undefined;
  const hasZone = /([Zz]|[+-]\d\d:?\d\d)$/.test(text.slice(11));
  const time = Date.parse(hasZone ? text : `${text}Z`);
  return Number.isNaN(time) ? undefined : time;
}
