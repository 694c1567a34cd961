import { InvalidArgumentsError } from '../errors.js';
import { inferArguments } from '../task/argument-form.js';
import { display } from '../task/argument-types.js';
import { errorText } from '../task/error-text.js';
import { invalidArguments } from '../task/argument-schema.js';
import { ignoreRejection } from '../task/rejections.js';
import type { TaskArgument } from '../task/task.js';
import type { Handler } from './handler.js';

/** Handlers of one name, the newest of which stands for all. */
export function familyOf(handler: Handler): readonly Handler[] {
  return handler.older === undefined ? [handler] : [handler, ...handler.older];
}

/** One for all of them. Each version is there once. */
export function asFamily(handlers: readonly [Handler, ...Handler[]]): Handler {
  const [newest, ...older] = [...handlers].sort((a, b) => versionOf(b) - versionOf(a)) as [Handler, ...Handler[]];
  return older.length === 0 ? newest : { ...newest, older };
}

/** Each handler of a family changed in the same way. */
export function mapFamily(handler: Handler, change: (one: Handler) => Handler): Handler {
  return handler.older === undefined ? change(handler) : { ...change(handler), older: handler.older.map(change) };
}

export function versionOf({ version = 1 }: Pick<Handler, 'version'>): number {
  return version;
}

/** Whose code is of this version, or else the newest that upgrades from it. `undefined`: none of them can run it. */
export function handlerOfVersion(family: Handler | undefined, version: number): Handler | undefined {
  if (family === undefined || versionOf(family) === version) return family;
  return family.older?.find((handler) => versionOf(handler) === version) ?? familyOf(family).find(({ upgrade }) => upgrade !== undefined && Object.hasOwn(upgrade, version));
}

/** Which versions of its name a family runs. */
export function versionsTaken(family: Handler): readonly number[] {
  return [...new Set(familyOf(family).flatMap((handler) => [versionOf(handler), ...Object.keys(handler.upgrade ?? {}).map(Number)]))];
}

/** The name by which processes tell each other who takes which version; of the first one it is the name alone, as who knows no versions tells it. */
export function takenName(name: string, version: number): string {
  return version === 1 ? name : `${name}\u0000v${version}`;
}

/**
 * The arguments of a task of an older version as those of the handler.
 *
 * @throws InvalidArgumentsError for what its upgrade threw, or gave that are no arguments
 */
export function upgradedArguments({ name, version = 1, upgrade }: Handler, from: number, args: readonly TaskArgument[]): TaskArgument[] {
  const make = upgrade?.[from];
  const refused = (what: string, cause?: unknown): InvalidArgumentsError => invalidArguments(name, [`the upgrade from version ${from} to ${version} ${what}`], cause);
  let made: unknown;
  try {
    made = make?.(args.map(({ value }) => value));
  } catch (error) {
    throw refused(`threw: ${errorText(error)}`, error);
  }
  ignoreRejection(made);
  if (!Array.isArray(made)) throw refused(`must give a list of arguments; it gave ${display(made)}`);
  try {
    return inferArguments(made);
  } catch (error) {
    throw refused(`gave what cannot be an argument: ${errorText(error)}`, error);
  }
}
