import { typesTaken } from '../asyncapi/payloads.js';
import type { ArgumentContract, TaskContract } from '../model.js';
import { isSame } from '../plain.js';
import { narrowings } from './compare-schemas.js';
import type { Broken, TaskChange } from './change.js';

const REFUSED: readonly Broken[] = ['publishers', 'queued'];

/** What becomes of the arguments that were sent by the old contract. */
export function argumentChanges(before: TaskContract, now: TaskContract): TaskChange[] {
  const changes: TaskChange[] = [];
  const length = Math.max(before.arguments.length, now.arguments.length);
  for (let position = 0; position < length; position++) {
    const [old, current] = [before.arguments[position], now.arguments[position]];
    if (old !== undefined && current !== undefined) changes.push(...changesOf(old, current, position));
    else if (old !== undefined) changes.push(...gone(old, now, position));
    else if (current !== undefined) changes.push(...come(current, position));
  }
  const more = narrowings(before.moreArguments, now.moreArguments).map((problem) => ({ breaks: REFUSED, text: `further arguments: ${problem}` }));
  return [...changes, ...more];
}

function changesOf(old: ArgumentContract, current: ArgumentContract, position: number): TaskChange[] {
  const argument = nameOf(old, position);
  const problems = [...narrowings(old.schema, current.schema), ...typeProblems(old, current)];
  const changes: TaskChange[] = problems.map((problem) => ({ breaks: REFUSED, text: `${argument}: ${problem}` }));
  if (problems.length === 0 && !isSame(old.schema, current.schema)) changes.push({ breaks: [], text: `${argument} takes all that it took, and is described otherwise` });
  if (isRequired(current) && !isRequired(old)) changes.push({ breaks: REFUSED, text: `${argument} must be given now` });
  if (!isRequired(current) && isRequired(old)) changes.push({ breaks: [], text: `${argument} may be left out now` });
  if (old.name !== current.name) changes.push({ breaks: [], text: `${argument} is called ${current.name === undefined ? 'by its position' : `"${current.name}"`} now` });
  return changes;
}

/** A handler gets a `bigint` of an `int64`, and a `number` of an `int`: neither is the other. */
function typeProblems(old: ArgumentContract, current: ArgumentContract): string[] {
  const taken = typesTaken(current.types);
  if (taken === undefined || old.types === undefined || !isWhole(old) || !isWhole(current)) return [];
  const lost = old.types.filter((type) => type !== 'float64' && !taken.includes(type));
  return lost.length === 0 ? [] : [`it was sent as ${lost.join(', ')}, and ${current.types?.join(', ')} is taken now`];
}

function isWhole({ types = [] }: ArgumentContract): boolean {
  return types.includes('int') || types.includes('int64');
}

function gone(old: ArgumentContract, now: TaskContract, position: number): TaskChange[] {
  const problems = narrowings(old.schema, now.moreArguments);
  const argument = nameOf(old, position);
  if (problems.length === 0) return [{ breaks: [], text: `${argument} is not looked at any more` }];
  return [{ breaks: REFUSED, text: now.moreArguments === false ? `${argument} is not taken any more` : `${argument}: ${problems.join('; ')}` }];
}

function come(current: ArgumentContract, position: number): TaskChange[] {
  const argument = nameOf(current, position);
  return isRequired(current) ? [{ breaks: REFUSED, text: `${argument} is new, and must be given` }] : [{ breaks: [], text: `${argument} is new, and may be left out` }];
}

function isRequired({ required }: ArgumentContract): boolean {
  return required !== false;
}

function nameOf({ name }: ArgumentContract, position: number): string {
  return name === undefined ? `argument ${position}` : `argument ${position} (${name})`;
}
