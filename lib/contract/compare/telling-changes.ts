import type { TaskContract } from '../model.js';
import { isSame } from '../plain.js';
import type { TaskChange } from './change.js';

/** What is good to know, and breaks nobody. */
export function tellingChanges(before: TaskContract, now: TaskContract): TaskChange[] {
  const texts: string[] = [];
  if (before.description !== now.description) texts.push('its description has changed');
  if (before.deprecated !== now.deprecated) texts.push(deprecationText(now.deprecated));
  const gained = (now.upgradesFrom ?? []).filter((version) => !before.upgradesFrom?.includes(version));
  if (gained.length > 0) texts.push(`upgrades from version ${gained.join(', ')} now`);
  const names = [...new Set([...Object.keys(before.options), ...Object.keys(now.options)])].filter((name) => name !== 'result' || now.options.result === true) as (keyof TaskContract['options'])[];
  for (const name of names) {
    if (!isSame(before.options[name], now.options[name])) texts.push(`${name} is ${shown(now.options[name])} now, and was ${shown(before.options[name])}`);
  }
  return texts.map((text) => ({ breaks: [], text }));
}

function deprecationText(deprecated: TaskContract['deprecated']): string {
  if (deprecated === undefined) return 'is not deprecated any more';
  return deprecated === true ? 'is deprecated now' : `is deprecated now: ${deprecated}`;
}

function shown(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value);
}
