import { ConfigurationError, type DispatcherError } from '../errors.js';
import { display } from './argument-types.js';
import { nearestName } from './nearest-name.js';
import type { OptionKind } from './option-kinds.js';

/** Every option of a type, and what it may hold: the compiler misses a new one here. */
export type OptionTable<Options> = { readonly [Name in keyof Required<Options>]: OptionKind };

export interface OptionsChecked<Options extends object> {
  /** Whose they are, as the subject of a sentence: `discardAll`. */
  readonly of: string;
  /** What could be written. */
  readonly example: string;
  /** These must be given. Default: none. */
  readonly required?: readonly (keyof Options & string)[];
  /**
   * Whether an option that is there must also have a value: where each one narrows what is destroyed, one that a mistake
   * left `undefined` would let everything through. Default: false.
   */
  readonly noBlanks?: boolean;
  /** What a mistake is told as. Default: ConfigurationError. */
  readonly Refusal?: new (message: string, fields: Readonly<Record<string, unknown>>) => DispatcherError;
}

/**
 * The options of a call, checked whole before anything is done: what is unknown or of another type is refused, however
 * the caller was compiled. Returned as a copy, which nobody changes later.
 *
 * @throws what `Refusal` says, which names what was found, what was expected, and what to write
 */
export function checkOptions<Options extends object>(found: Options | undefined, table: OptionTable<Options>, how: OptionsChecked<Options>): Options {
  const { of, example, required = [], noBlanks = false, Refusal = ConfigurationError } = how;
  if (found === undefined && required.length === 0) return {} as Options;
  if (!isObjectOfOptions(found)) {
    throw new Refusal(`${of} takes an object such as ${example}; found ${display(found)}.`, { of });
  }
  const given = { ...found } as Record<string, unknown>;
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(table, name) ? (table as Record<string, OptionKind>)[name] : undefined;
    if (kind === undefined) throw new Refusal(unknownOption(of, name, Object.keys(table)), { option: name, nearest: nearestName(name, Object.keys(table)) });
    if (value === undefined && noBlanks) throw new Refusal(`${name} of ${of} is undefined. Leave it out where it is not meant; it must be ${kind.expected}.`, { option: name });
    if (value !== undefined && !kind.fits(value)) throw new Refusal(`${name} of ${of} must be ${kind.expected}; found ${display(value)}.`, { option: name });
  }
  for (const name of required) {
    if (given[name] === undefined) throw new Refusal(`${of} needs ${name}, ${table[name].expected}: write ${example}.`, { option: name });
  }
  return given as Options;
}

/** A promise that was not awaited, a Map, a Date say nothing by their properties: as options they would be none. */
function isObjectOfOptions(found: unknown): found is object {
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return false;
  const prototype = Object.getPrototypeOf(found) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null || Object.keys(found).length > 0;
}

/** The sentence that names the option most likely meant. */
export function unknownOption(of: string, name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return `${of} has no option "${name}". ${nearest === undefined ? `The options are: ${known.join(', ')}.` : `Did you mean "${nearest}"?`}`;
}

/**
 * A name that says what is meant: of a queue, a dead letter, a schedule.
 *
 * @throws ConfigurationError, or what else is given
 */
export function requireText(value: unknown, what: string, Refusal: OptionsChecked<object>['Refusal'] = ConfigurationError): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new Refusal(`${what} must be a text that is not empty; found ${display(value)}.`, {});
}

/**
 * A call that takes no more than these: what stands behind them, somebody expects to have an effect.
 *
 * @throws ConfigurationError
 */
export function refuseMore(rest: readonly unknown[], call: string): void {
  if (rest.length > 0) throw new ConfigurationError(`${call} takes nothing more; found also ${display(rest[0])}.`, { call });
}
