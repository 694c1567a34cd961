import type { Table } from './rows.js';

/** The scenarios that a reader looks for first. */
const CHARTED = ['publish', 'consume-100', 'consume-3', 'end-to-end-100'];

/** A bar for each system's rate, as Mermaid, which shows where Markdown is shown. Only where there is something to compare. */
export function charts(tables: readonly Table[]): string[] {
  return tables.filter(({ scenario, rows }) => CHARTED.includes(scenario.name) && rows.length > 1).map(chart);
}

function chart({ scenario, rows }: Table): string {
  const sorted = rows.map(([title, rate = '']) => ({ title, rate: Number(rate.replaceAll(',', '')) })).sort((a, b) => b.rate - a.rate);
  return [
    '```mermaid',
    'xychart-beta horizontal',
    `  title "${scenario.title} (tasks per second)"`,
    `  x-axis [${sorted.map(({ title }) => `"${title}"`).join(', ')}]`,
    `  bar [${sorted.map(({ rate }) => rate).join(', ')}]`,
    '```',
  ].join('\n');
}
