import { display } from '../../task/argument-types.js';
import { goJson, sortedKeys } from '../../task/go-json.js';
import { isObject, malformed, nonEmptyString } from '../read-json.js';

/** An argument as machinery writes it; its name is never looked at. */
export interface MachineryArgument {
  readonly Name: string;
  readonly Type: string;
  readonly Value: unknown;
}

/** A task of machinery, all of it, in the order in which Go writes it. Source: machinery v1.10.8 and v2, `tasks.Signature`. */
export interface MachinerySignature {
  UUID: string;
  Name: string;
  RoutingKey: string;
  /** RFC 3339. */
  ETA: string | null;
  GroupUUID: string;
  GroupTaskCount: number | bigint;
  Args: MachineryArgument[] | null;
  Headers: Record<string, unknown> | null;
  Priority: number;
  Immutable: boolean;
  RetryCount: number;
  RetryTimeout: number;
  OnSuccess: MachinerySignature[] | null;
  OnError: MachinerySignature[] | null;
  ChordCallback: MachinerySignature | null;
  BrokerMessageGroupId: string;
  SQSReceiptHandle: string;
  StopTaskDeletionOnError: boolean;
  IgnoreWhenTaskNotRegistered: boolean;
}

const EMPTY: MachinerySignature = {
  UUID: '', Name: '', RoutingKey: '', ETA: null, GroupUUID: '', GroupTaskCount: 0, Args: null, Headers: null, Priority: 0, Immutable: false,
  RetryCount: 0, RetryTimeout: 0, OnSuccess: null, OnError: null, ChordCallback: null, BrokerMessageGroupId: '', SQSReceiptHandle: '',
  StopTaskDeletionOnError: false, IgnoreWhenTaskNotRegistered: false,
};
/** Chains nest by one signature a step. */
const MOST_NESTED = 256;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

export function signatureOf(fields: Partial<MachinerySignature>): MachinerySignature {
  return { ...EMPTY, ...fields };
}

/** What a chord is: its member's success is counted with the others'. */
export function isSignatureLike(value: unknown): boolean {
  return isObject(value) && typeof value.Name === 'string' && value.Name !== '' && typeof value.UUID === 'string' && (value.Args === null || Array.isArray(value.Args));
}

/** Unknown keys are dropped, as Go does; null is a field's zero. @throws InvalidBodyError */
export function readSignature(value: unknown, where = '', depth = 0): MachinerySignature {
  if (!isObject(value)) throw malformed(`${where || 'the body'} must be a signature of machinery, {"UUID","Name","Args",...}`, value);
  if (depth > MOST_NESTED) throw malformed(`signatures may nest ${MOST_NESTED} levels at most`, value);
  const at = (key: string): string => (where === '' ? `"${key}"` : `"${key}" of ${where}`);
  const read = <Key extends keyof MachinerySignature>(key: Key, check: (found: unknown) => boolean, expected: string): MachinerySignature[Key] => {
    const found = value[key] ?? EMPTY[key];
    if (found !== null && !check(found)) throw malformed(`${at(key)} must be ${expected}`, found);
    return found as MachinerySignature[Key];
  };
  const list = (key: 'OnSuccess' | 'OnError'): MachinerySignature[] | null => read(key, Array.isArray, 'a list of signatures, or null')?.map((one) => readSignature(one, at(key), depth + 1)) ?? null;
  const text = <Key extends 'UUID' | 'RoutingKey' | 'GroupUUID' | 'BrokerMessageGroupId' | 'SQSReceiptHandle'>(key: Key): string => read(key, (found) => typeof found === 'string', 'a string');
  const flag = (key: 'Immutable' | 'StopTaskDeletionOnError' | 'IgnoreWhenTaskNotRegistered'): boolean => read(key, (found) => typeof found === 'boolean', 'true or false');
  const callback = read('ChordCallback', isObject, 'a signature, or null');
  return {
    UUID: text('UUID'), Name: read('Name', (found) => nonEmptyString(found) !== undefined, 'a string that is not empty'), RoutingKey: text('RoutingKey'),
    ETA: read('ETA', isTime, 'a time as RFC 3339 has it, or null'), GroupUUID: text('GroupUUID'), GroupTaskCount: read('GroupTaskCount', isInteger, 'a whole number'),
    Args: read('Args', Array.isArray, 'a list of {"Name","Type","Value"}, or null')?.map((one) => readArgument(one, at('Args'))) ?? null,
    Headers: read('Headers', isObject, 'an object, or null'), Priority: read('Priority', (found) => isInteger(found) && Number(found) >= 0 && Number(found) <= 255, 'a whole number from 0 to 255'),
    Immutable: flag('Immutable'), RetryCount: read('RetryCount', isSmall, 'a whole number'), RetryTimeout: read('RetryTimeout', isSmall, 'a whole number of seconds'),
    OnSuccess: list('OnSuccess'), OnError: list('OnError'), ChordCallback: callback === null ? null : readSignature(callback, at('ChordCallback'), depth + 1),
    BrokerMessageGroupId: text('BrokerMessageGroupId'), SQSReceiptHandle: text('SQSReceiptHandle'),
    StopTaskDeletionOnError: flag('StopTaskDeletionOnError'), IgnoreWhenTaskNotRegistered: flag('IgnoreWhenTaskNotRegistered'),
  };
}

/** The bytes that machinery's own encoder makes of it. */
export function writeSignature(signature: MachinerySignature): Buffer {
  return Buffer.from(goJson(inOrder(signature)));
}

function inOrder(signature: MachinerySignature): MachinerySignature {
  const { Args, Headers, OnSuccess, OnError, ChordCallback } = signature;
  return {
    ...EMPTY, ...signature, Args: Args === null ? null : Args.map(({ Name, Type, Value }) => ({ Name, Type, Value })), Headers: Headers === null ? null : sortedKeys(Headers),
    OnSuccess: OnSuccess?.map(inOrder) ?? null, OnError: OnError?.map(inOrder) ?? null, ChordCallback: ChordCallback === null ? null : inOrder(ChordCallback),
  };
}

function readArgument(value: unknown, where: string): MachineryArgument {
  if (!isObject(value)) throw malformed(`each of ${where} must be {"Name","Type","Value"}`, value);
  const { Name = '', Type, Value } = value;
  if (Name !== null && typeof Name !== 'string') throw malformed(`the Name of an argument in ${where} must be a string`, Name);
  if (typeof Type !== 'string') throw malformed(`the Type of an argument in ${where} must be a string, such as "int64"; the value is ${display(Value)}`, Type);
  return { Name: Name ?? '', Type, Value: Value ?? null };
}

function isTime(found: unknown): boolean {
  return typeof found === 'string' && RFC_3339.test(found) && !Number.isNaN(Date.parse(found));
}

function isInteger(found: unknown): boolean {
  return typeof found === 'bigint' || Number.isSafeInteger(found);
}

function isSmall(found: unknown): boolean {
  return Number.isSafeInteger(found);
}
