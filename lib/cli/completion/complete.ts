import { CONFIG_FILES } from '../settings/config-file.js';
import { COMMON_OPTIONS } from '../settings/read-settings.js';
import type { Verb, VerbOption } from '../verb.js';

/** Asks the program itself what may come next: `nestjs-dispatcher __complete <words>`. */
export const COMPLETE = '__complete';
const HELP: readonly VerbOption[] = [{ flags: '-h, --help', about: 'show help' }];

/**
 * What may stand in the place of the last word.
 *
 * @param words those behind the program's name; the last one is begun, or empty
 */
export function complete(verbs: readonly Verb[], words: readonly string[]): string[] {
  const [last = ''] = words.slice(-1);
  const before = words.slice(0, -1);
  return candidates(verbs, before, last).filter((candidate) => candidate.startsWith(last)).sort();
}

function candidates(verbs: readonly Verb[], before: readonly string[], last: string): readonly string[] {
  const named = withoutOptions(verbs, before);
  const verb = verbs.find(({ name }) => name === named.slice(0, name.split(' ').length).join(' '));
  const options = [...verb?.options ?? [], ...COMMON_OPTIONS, ...HELP];
  const awaited = options.find((option) => takesValue(option) && namesOf(option).includes(before.at(-1) ?? ''));
  if (awaited !== undefined) return awaited.flags.includes('--config') ? CONFIG_FILES : awaited.choices ?? [];
  if (last.startsWith('-')) return options.flatMap(namesOf).filter((name) => name.startsWith('--'));
  if (verb === undefined) return nextNames(verbs, named);
  return verb.arguments?.[named.length - verb.name.split(' ').length]?.choices ?? [];
}

/** `dead` once, then what comes behind it. */
function nextNames(verbs: readonly Verb[], named: readonly string[]): readonly string[] {
  const fitting = verbs.map(({ name }) => name.split(' ')).filter((parts) => named.every((word, index) => parts[index] === word));
  return [...new Set(fitting.map((parts) => parts[named.length]).filter((part) => part !== undefined)), ...named.length === 0 ? ['help'] : []];
}

function withoutOptions(verbs: readonly Verb[], words: readonly string[]): string[] {
  const valued = [...COMMON_OPTIONS, ...verbs.flatMap(({ options = [] }) => options)].filter(takesValue).flatMap(namesOf);
  return words.filter((word, index) => !word.startsWith('-') && !valued.includes(words[index - 1] ?? ''));
}

function namesOf({ flags }: VerbOption): string[] {
  return flags.replace(/[<[].*$/, '').split(',').map((name) => name.trim());
}

/** One that may have a value may also have none. */
function takesValue({ flags }: VerbOption): boolean {
  return flags.includes('<');
}
