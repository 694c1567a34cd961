import { display, SCALAR_TYPES } from './argument-types.js';

/** Go reads every number as a float64. */
const GO_EXACT = Number.MAX_SAFE_INTEGER;
const SCALARS: ReadonlySet<unknown> = new Set(SCALAR_TYPES);

/** What of the arguments in a body harms a gofort worker, and what that does to it. */
export interface GoHarm {
  readonly index: number;
  readonly type: unknown;
  /** As what follows "argument 1": `has the type "json", which gofort does not know`. */
  readonly found: string;
  readonly instead: string;
}

/**
 * The first argument that a worker of gofort/dispatcher (commit af19a5a) cannot take as it is meant: an unknown type ends
 * its process, a value of another kind is dropped in silence, an integer beyond 2^53 is rounded. `undefined`: there is
 * none. What is no list of arguments Go refuses whole.
 */
export function harmToGo(args: unknown): GoHarm | undefined {
  if (!Array.isArray(args)) return undefined;
  for (const [index, argument] of (args as unknown[]).entries()) {
    const { type, value } = (typeof argument === 'object' && argument !== null ? argument : {}) as { type?: unknown; value?: unknown };
    const harm = harmOf(type, value);
    if (harm !== undefined) return { index, type, ...harm };
  }
  return undefined;
}

function harmOf(type: unknown, value: unknown): Pick<GoHarm, 'found' | 'instead'> | undefined {
  if (!SCALARS.has(type)) {
    return {
      found: `has the type ${display(type)}, which gofort does not know: its process ends, and again each time that it gets the task`,
      instead: `Pass one of ${SCALAR_TYPES.join(' ')}; lists and objects as a string, JSON.stringify(it)`,
    };
  }
  if (!fits(type as string, value)) return { found: `is a ${String(type)} with ${display(value)} as its value: gofort drops the task in silence`, instead: 'Pass a value of its type' };
  if (typeof value !== 'number' || !/^u?int/.test(type as string) || Math.abs(value) <= GO_EXACT) return undefined;
  return { found: `is the ${String(type)} ${value}: gofort reads numbers as float64, which cannot hold it exactly`, instead: 'Pass it as a string' };
}

function fits(type: string, value: unknown): boolean {
  if (type === 'bool') return typeof value === 'boolean';
  return typeof value === (type === 'string' ? 'string' : 'number');
}
