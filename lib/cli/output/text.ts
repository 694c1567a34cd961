/** What a terminal would take for commands, and what turns the order of text around: names and errors are anybody's. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const MOST_CELL = 200;

/** On one line, and harmless to a terminal. */
export function printable(value: unknown): string {
  return String(value).replace(UNSEEN, (character) => (character === '\n' || character === '\t' ? ' ' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`));
}

/** The same over several lines. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map((line) => printable(line.replaceAll('\t', '  '))).join('\n');
}

export function shortened(value: unknown, length = MOST_CELL): string {
  const text = printable(value);
  return text.length > length ? `${text.slice(0, length - 3)}...` : text;
}

/** Columns, the heads above them. What is undefined is shown as a dash. */
export function table(heads: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [heads, ...rows.map((row) => row.map((cell) => (cell === undefined ? '-' : shortened(cell instanceof Date ? cell.toISOString() : cell))))];
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => [...row[column] ?? ''].length)));
  const isCount = heads.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'));
  const padded = (cell: string, column: number): string => {
    const padding = ' '.repeat((widths[column] as number) - [...cell].length);
    return isCount[column] === true ? padding + cell : cell + padding;
  };
  return cells.map((row) => row.map(padded).join('  ').trimEnd()).join('\n');
}

/** `name: value` in lines, what is undefined left out. */
export function fields(entries: readonly (readonly [string, unknown])[]): string {
  const known = entries.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...known.map(([name]) => name.length + 1));
  return known.map(([name, value]) => `${`${name}:`.padEnd(width)} ${printable(value instanceof Date ? value.toISOString() : value)}`).join('\n');
}

/** `1 task`, `2 tasks`. */
export function counted(count: number, what: string): string {
  return `${count} ${count === 1 ? what : `${what}s`}`;
}

/** A duration as people read it: `350 ms`, `12 s`, `5 min`, `3 h`, `2 d`. */
export function age(milliseconds: number): string {
  const steps: readonly (readonly [limit: number, unit: number, name: string])[] = [[1_000, 1, 'ms'], [120_000, 1_000, 's'], [7_200_000, 60_000, 'min'], [172_800_000, 3_600_000, 'h']];
  const [, unit, name] = steps.find(([limit]) => milliseconds < limit) ?? [Infinity, 86_400_000, 'd'];
  return `${Math.round(milliseconds / unit)} ${name}`;
}
