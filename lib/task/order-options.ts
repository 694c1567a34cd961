import { argumentKeyProblem, type ArgumentKey } from './argument-key.js';
import { display } from './argument-types.js';
import { unknownOption } from './options.js';

/** Tasks of one key run one after the other, in the order in which they were accepted. @publicApi */
export interface OrderOptions {
  /**
   * Where in the arguments the key stands, such as `account`, `1.id`, or a function of the arguments: tasks of the same name
   * and key stand in one line. Where that leads to nothing, the task stands in none.
   */
  readonly by: ArgumentKey;
  /**
   * What becomes of the line when a task has failed for good, and is a dead letter. `halt`: it stands still until somebody
   * replays or discards that one. `skip`: it goes on with the next. Default: `halt`.
   */
  readonly onFailure?: 'halt' | 'skip';
}

/** What travels with a task that stands in a line. */
export interface OrderMark {
  /** In the shared state. */
  readonly key: string;
  /** Its place. */
  readonly token: string;
  readonly onFailure: 'halt' | 'skip';
}

const OPTIONS: readonly string[] = ['by', 'onFailure'];

/** What is wrong with these options, or `undefined`. */
export function orderProblem(options: unknown): string | undefined {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return `order must be an object such as { by: 'account' }, found ${display(options)}`;
  const given = options as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) return unknownOption('order', unknown, OPTIONS).slice(0, -1);
  const key = argumentKeyProblem(given['by']);
  if (key !== undefined) return `order.by ${key}`;
  const { onFailure } = given;
  return onFailure === undefined || onFailure === 'halt' || onFailure === 'skip' ? undefined : `order.onFailure must be 'halt' or 'skip', found ${display(onFailure)}`;
}

export function encodeOrderMark(mark: OrderMark): string {
  return JSON.stringify(mark);
}

/** `undefined` for what is none. */
export function decodeOrderMark(text: unknown): OrderMark | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const { key, token, onFailure } = JSON.parse(text) as OrderMark;
    return typeof key === 'string' && typeof token === 'string' && (onFailure === 'halt' || onFailure === 'skip') ? { key, token, onFailure } : undefined;
  } catch {
    return undefined;
  }
}
