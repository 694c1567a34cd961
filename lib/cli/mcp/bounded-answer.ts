import { toJson } from '../output/json.js';

/** What an assistant reads at once. */
const MOST_BYTES = 64 * 1024;
const LONGEST_TEXT = 2_000;
const MOST_ITEMS = 200;
const SHORTER_TEXT = 200;

/** As JSON, integers exact; long texts and lists are cut, and say so. */
export function boundedAnswer(answer: unknown): string {
  for (const [text, items] of [[LONGEST_TEXT, MOST_ITEMS], [SHORTER_TEXT, MOST_ITEMS], [SHORTER_TEXT, 20], [SHORTER_TEXT, 5]] as const) {
    const told = toJson(cut(answer, text, items));
    if (Buffer.byteLength(told) <= MOST_BYTES) return told;
  }
  return toJson({ problem: `The answer has more than ${MOST_BYTES} bytes. Ask for less: a smaller limit, or a narrower filter.` });
}

function cut(value: unknown, longest: number, most: number): unknown {
  if (typeof value === 'string') return value.length <= longest ? value : `${value.slice(0, longest)}... (${value.length} characters)`;
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Error || value instanceof Uint8Array) return value;
  if (!Array.isArray(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cut(item, longest, most)]));
  const items = value.slice(0, most).map((item) => cut(item, longest, most));
  return value.length <= most ? items : [...items, `... ${value.length - most} more`];
}
