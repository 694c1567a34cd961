import type { Contract, TaskContract } from '../model.js';
import type { Broken, ContractChange, TaskChange } from './change.js';
import { argumentChanges } from './compare-arguments.js';
import { narrowings } from './compare-schemas.js';
import { tellingChanges } from './telling-changes.js';

const NOT_TAKEN: readonly Broken[] = ['publishers', 'queued'];

/**
 * All that is different in `now`, task by task, and whom it would break if the old application were replaced by the new one.
 * What cannot be decided counts as breaking.
 *
 * @publicApi
 */
export function compareContracts(before: Contract, now: Contract): ContractChange[] {
  const exchange: ContractChange[] = before.exchange === now.exchange ? []
    : [{ breaks: NOT_TAKEN, text: `the exchange is "${now.exchange}" now, and was "${before.exchange}"` }];
  const gone = before.tasks.flatMap((task) => of(task, changesOf(task, before, now)));
  const added = now.tasks.filter((task) => find(before, task) === undefined).flatMap((task) => of(task, [{ breaks: [], text: 'is new' }]));
  return [...exchange, ...gone, ...added];
}

function of({ name, version }: TaskContract, changes: readonly TaskChange[]): ContractChange[] {
  return changes.map((change) => ({ task: name, version, ...change }));
}

function changesOf(task: TaskContract, before: Contract, now: Contract): TaskChange[] {
  const same = find(now, task);
  if (same !== undefined) {
    return [...placeChanges(task, same), ...argumentChanges(task, same), ...resultChanges(task, same), ...lostUpgrades(task, before, now), ...tellingChanges(task, same)];
  }
  const upgrader = now.tasks.findLast(({ name, upgradesFrom = [] }) => name === task.name && upgradesFrom.includes(task.version));
  if (upgrader === undefined) return [{ breaks: NOT_TAKEN, text: now.tasks.some(({ name }) => name === task.name) ? 'is not taken any more, and no version upgrades from it' : 'is not taken any more' }];
  return [
    { breaks: [], text: `is upgraded to version ${upgrader.version}` }, ...placeChanges(task, upgrader), ...resultChanges(task, upgrader),
  ];
}

function find(contract: Contract, { name, version }: TaskContract): TaskContract | undefined {
  return contract.tasks.find((task) => task.name === name && task.version === version);
}

function placeChanges(before: TaskContract, now: TaskContract): TaskChange[] {
  const changes: TaskChange[] = [];
  if (before.routingKey !== now.routingKey) changes.push({ breaks: ['publishers'], text: `is published with the routing key "${now.routingKey}" now, and was with "${before.routingKey}"` });
  if (before.queue === now.queue) return changes;
  const isLeft = before.queue !== undefined && now.queue !== undefined;
  return [...changes, { breaks: isLeft ? ['queued'] : [], text: `waits in ${queueText(now.queue)} now, and did in ${queueText(before.queue)}` }];
}

function queueText(queue: string | undefined): string {
  return queue === undefined ? 'whatever queue is bound' : `the queue "${queue}"`;
}

function resultChanges(before: TaskContract, now: TaskContract): TaskChange[] {
  const changes: TaskChange[] = before.options.result === true && now.options.result !== true
    ? [{ breaks: ['results'], text: 'tells its result only to who asks for it now, and did so always' }] : [];
  if (before.result === undefined) return now.result === undefined ? changes : [...changes, { breaks: [], text: 'its result is part of the contract now' }];
  if (now.result === undefined) return [...changes, { breaks: ['results'], text: 'its result is not part of the contract any more' }];
  // What may come now is to be what was promised.
  const problems = narrowings(now.result, before.result);
  return [...changes, ...problems.map((problem) => ({ breaks: ['results'] as const, text: `its result is not what it was: ${reversed(problem)}` }))];
}

/** The comparison speaks of what is taken; here the old contract is what takes. */
function reversed(problem: string): string {
  return `by the old contract, ${problem.replace(/\bnow\b/g, 'there').replace(/\bany more\b/g, 'there')}`;
}

function lostUpgrades(task: TaskContract, before: Contract, now: Contract): TaskChange[] {
  const isTaken = (version: number): boolean => now.tasks.some(({ name, version: own, upgradesFrom = [] }) => name === task.name && (own === version || upgradesFrom.includes(version)));
  const isTold = (version: number): boolean => before.tasks.some(({ name, version: own }) => name === task.name && own === version);
  return (task.upgradesFrom ?? []).filter((version) => !isTaken(version) && !isTold(version))
    .map((version) => ({ breaks: NOT_TAKEN, text: `does not upgrade from version ${version} any more` }));
}
