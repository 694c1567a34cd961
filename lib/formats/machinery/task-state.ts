import { InvalidBodyError } from '../../errors.js';
import { goJson } from '../../task/go-json.js';
import { instantOf } from '../instant.js';
import { jsonValue } from '../json-value.js';
import { readJsonObject } from '../read-json.js';
import { readArguments, resultArguments } from './arguments.js';
import type { MachineryArgument } from './signature.js';

export const MACHINERY_STATES = ['PENDING', 'RECEIVED', 'STARTED', 'RETRY', 'SUCCESS', 'FAILURE'] as const;
export type MachineryStateName = (typeof MACHINERY_STATES)[number];

/** What a task returned, one entry a result. */
export interface MachineryResult {
  readonly Type: string;
  readonly Value: unknown;
}

/** The record of a task in a result backend, in the order in which Go writes it. Source: machinery v1.10.8 and v2, `tasks.TaskState`. */
export interface MachineryState {
  readonly TaskUUID: string;
  readonly TaskName: string;
  readonly State: MachineryStateName;
  readonly Results: readonly MachineryResult[] | null;
  readonly Error: string;
  /** RFC 3339. */
  readonly CreatedAt: string;
  readonly TTL: number | bigint;
}

/** Who belongs to a group. Source: `tasks.GroupMeta`. */
export interface MachineryGroup {
  readonly GroupUUID: string;
  readonly TaskUUIDs: readonly string[];
  readonly ChordTriggered: boolean;
  readonly Lock: boolean;
  readonly CreatedAt: string;
  readonly TTL: number | bigint;
  /** Ours, which Go ignores: the member whose worker is about to send the callback. Gone once it is sent. */
  readonly DispatcherTriggeredBy?: string | undefined;
}

/** As Go writes a time that was never set. */
export const NO_TIME = '0001-01-01T00:00:00Z';

export function machineryState(task: { uuid: string; name: string }, State: MachineryStateName, fields: Partial<MachineryState> = {}): MachineryState {
  return { TaskUUID: task.uuid, TaskName: task.name, State, Results: null, Error: '', CreatedAt: NO_TIME, TTL: 0, ...fields };
}

/** @param now milliseconds since 1970 */
export function pendingState(task: { uuid: string; name: string }, now: number): MachineryState {
  return machineryState(task, 'PENDING', { CreatedAt: instantOf(now) });
}

export function writeMachineryState({ TaskUUID, TaskName, State, Results, Error, CreatedAt, TTL }: MachineryState): Buffer {
  const results = Results?.map(({ Type, Value }) => ({ Type, Value })) ?? null;
  return Buffer.from(goJson({ TaskUUID, TaskName, State, Results: results, Error, CreatedAt, TTL }));
}

/** @throws InvalidBodyError */
export function readMachineryState(bytes: Buffer): MachineryState {
  const found = readJsonObject(bytes, '{"TaskUUID","TaskName","State",...}');
  const { TaskUUID, TaskName, State, Results, Error, CreatedAt, TTL } = found;
  if (typeof TaskUUID !== 'string' || !isStateName(State) || !Array.isArray(Results ?? [])) throw noState();
  return {
    TaskUUID, TaskName: textOf(TaskName), State, Results: Array.isArray(Results) ? Results.map(readResult) : null, Error: textOf(Error),
    CreatedAt: typeof CreatedAt === 'string' && CreatedAt !== '' ? CreatedAt : NO_TIME, TTL: typeof TTL === 'bigint' || typeof TTL === 'number' ? TTL : 0,
  };
}

export function machineryGroup(GroupUUID: string, TaskUUIDs: readonly string[], now: number): MachineryGroup {
  return { GroupUUID, TaskUUIDs, ChordTriggered: false, Lock: false, CreatedAt: instantOf(now), TTL: 0 };
}

export function writeMachineryGroup({ GroupUUID, TaskUUIDs, ChordTriggered, Lock, CreatedAt, TTL, DispatcherTriggeredBy }: MachineryGroup): Buffer {
  return Buffer.from(goJson({ GroupUUID, TaskUUIDs, ChordTriggered, Lock, CreatedAt, TTL, DispatcherTriggeredBy }));
}

/** @throws InvalidBodyError */
export function readMachineryGroup(bytes: Buffer): MachineryGroup {
  const { GroupUUID, TaskUUIDs, ChordTriggered, Lock, CreatedAt, TTL, DispatcherTriggeredBy } = readJsonObject(bytes, '{"GroupUUID","TaskUUIDs",...}');
  if (typeof GroupUUID !== 'string' || !Array.isArray(TaskUUIDs) || !TaskUUIDs.every((uuid) => typeof uuid === 'string')) {
    throw new InvalidBodyError('What is kept there is no group of machinery: it must be a JSON object {"GroupUUID","TaskUUIDs",...}.');
  }
  return {
    GroupUUID, TaskUUIDs, ChordTriggered: ChordTriggered === true, Lock: Lock === true, CreatedAt: typeof CreatedAt === 'string' && CreatedAt !== '' ? CreatedAt : NO_TIME,
    TTL: typeof TTL === 'bigint' || typeof TTL === 'number' ? TTL : 0, ...(typeof DispatcherTriggeredBy === 'string' ? { DispatcherTriggeredBy } : {}),
  };
}

/**
 * What a handler returned, as results: integers are `int64`, other numbers `float64`, a `Buffer` is `[]uint8`, nothing is no
 * result. For what machinery has no type it is a text, its JSON.
 */
export function machineryResults(value: unknown): MachineryResult[] {
  const typed = resultArguments(value);
  if (typeof typed === 'string') return [{ Type: 'string', Value: textFor(value) }];
  return typed.map(({ Type, Value }) => ({ Type: Type === '[]byte' ? '[]uint8' : Type, Value }));
}

/** One result is itself, several are a list, none is nothing. */
export function machineryValue(results: readonly MachineryResult[] | null, task: string): unknown {
  const values = (results ?? []).map((result) => valueOf(result, task));
  return values.length > 1 ? values : values[0];
}

export function isCompleted({ State }: MachineryState): boolean {
  return State === 'SUCCESS' || State === 'FAILURE';
}

/** Behind the callback's own arguments; of one that is immutable there are none. */
export function joinedArguments(states: readonly MachineryState[]): MachineryArgument[] {
  return states.flatMap(({ Results }) => (Results ?? []).map(({ Type, Value }) => ({ Name: '', Type, Value })));
}

/** MongoDB of machinery keeps a text that is JSON as an object, which has no type that tasks know. */
function valueOf({ Type, Value }: MachineryResult, task: string): unknown {
  try {
    return readArguments([{ Name: '', Type, Value }], task)[0]?.value;
  } catch {
    return Value;
  }
}

function readResult(found: unknown): MachineryResult {
  const { Type, Value } = (found ?? {}) as Partial<MachineryResult>;
  if (typeof Type !== 'string') throw noState();
  return { Type, Value: Value ?? null };
}

function isStateName(found: unknown): found is MachineryStateName {
  return MACHINERY_STATES.includes(found as MachineryStateName);
}

function noState(): InvalidBodyError {
  return new InvalidBodyError(`What is kept there is no state of machinery: it must be a JSON object {"TaskUUID","State","Results",...} whose State is one of ${MACHINERY_STATES.join(', ')}.`);
}

function textOf(found: unknown): string {
  return typeof found === 'string' ? found : '';
}

function textFor(value: unknown): string {
  const json = jsonValue(value);
  return 'problem' in json ? `It has no JSON: ${json.problem}.` : goJson(json.value);
}
