import { instantOf } from '../instant.js';
import { Header } from '../../task/headers.js';
import type { RetryPolicy } from '../../task/retry-policy.js';
import type { Task, TaskHeaders } from '../../task/task.js';
import type { ArrivedMessage, ComposedMessage, ComposedPlan, ComposedTask, EncodedTask, FollowedEnd, FollowUp, FollowUpSurroundings, Format, NextAttempt } from '../format.js';
import { malformed, nonEmptyString, readJson, readJsonObject } from '../read-json.js';
import { readArguments, resultArguments, writeArguments } from './arguments.js';
import { joinedArguments, type MachineryState } from './task-state.js';
import { isSignatureLike, readSignature, signatureOf, writeSignature, type MachinerySignature } from './signature.js';

const CONTENT_TYPE = 'application/json';
const LONGEST_DELAY_SECONDS = 365 * 86_400;

/**
 * The signature of machinery, v1 and v2: all of a task stands in the body, its headers in the properties too.
 * Source: machinery v1.10.8 and v2 at 26dbe03, as observed.
 */
export const machineryFormat: Format = {
  name: 'machinery',
  contentType: CONTENT_TYPE,

  encode(task: Task): EncodedTask {
    const known = task.arrived?.format === 'machinery' ? (task.arrived.envelope as MachinerySignature) : undefined;
    return messageOf(signatureOf({
      ...(known ?? fresh(task)), UUID: task.uuid, Name: task.name, Args: writeArguments(task.args, task.name, known?.Args),
    }), task.headers);
  },

  decode(message: ArrivedMessage): Task {
    const signature = readSignature(readJson(message.body, 'a signature of machinery'));
    if (signature.UUID === '') throw malformed('"UUID" must be a string that is not empty', signature.UUID);
    const { UUID: uuid, Name: name, Args, OnSuccess, OnError, ChordCallback } = signature;
    return {
      uuid, name, args: readArguments(Args, name), headers: headersOf(signature, message.properties.headers),
      arrived: {
        format: 'machinery', envelope: signature, retry: retryOf(signature, message.properties.headers),
        hasFollowUps: (OnSuccess?.length ?? 0) + (OnError?.length ?? 0) > 0,
        needsResults: ChordCallback === null ? undefined : "it is a member of a chord, whose members are counted by the result backend of machinery: name that to the dispatcher, foreignResults: { machinery: 'redis://...' }.",
      },
    };
  },

  identify(message: ArrivedMessage): { uuid?: string; name?: string } {
    try {
      const { UUID, Name } = readJsonObject(message.body, '{"UUID","Name"}');
      return { uuid: nonEmptyString(UUID), name: nonEmptyString(Name) };
    } catch {
      return {};
    }
  },

  recognises(_message: ArrivedMessage, content: () => unknown): boolean {
    return isSignatureLike(content());
  },

  /** As machinery does it, so that a Go worker that gets the next attempt goes on counting. */
  nextAttempt(message: ArrivedMessage, { isCharged, dueAt }: NextAttempt): { body: Buffer } {
    const signature = readSignature(readJson(message.body, 'a signature of machinery'));
    const ETA = instantOf(dueAt);
    if (!isCharged || signature.RetryCount <= 0) return { body: writeSignature({ ...signature, ETA }) };
    return { body: writeSignature({ ...signature, ETA, RetryCount: signature.RetryCount - 1, RetryTimeout: nextFibonacci(signature.RetryTimeout) }) };
  },

  followUps(task: Task, end: FollowedEnd, { uuidFor }: FollowUpSurroundings): FollowUp[] {
    const parent = task.arrived?.envelope as MachinerySignature;
    const followers = (end.kind === 'succeeded' ? parent.OnSuccess : parent.OnError) ?? [];
    return followers.map((follower, index) => followUp(follower, parent, end, uuidFor(`${end.kind} ${index}`)));
  },

  /** As machinery does it: what comes next stands in what comes before, and the callback in each member. */
  compose({ kind, tasks, callback, group }: ComposedPlan): ComposedMessage[] {
    const signatures = tasks.map(composed);
    if (kind === 'chain') {
      const first = signatures.reduceRight((next, before) => ({ ...before, OnSuccess: [next] }));
      return [{ message: messageOf(first, tasks[0]?.task.headers), routingKey: tasks[0]?.routingKey ?? '' }];
    }
    const member = { GroupUUID: group, GroupTaskCount: tasks.length, ChordCallback: callback === undefined ? null : composed(callback) };
    return signatures.map((signature, index) => ({ message: messageOf({ ...signature, ...member }, tasks[index]?.task.headers), routingKey: signature.RoutingKey }));
  },
};

function composed({ task, routingKey }: ComposedTask): MachinerySignature {
  return signatureOf({ ...fresh(task), UUID: task.uuid, Name: task.name, Args: writeArguments(task.args, task.name), RoutingKey: routingKey });
}

function messageOf(signature: MachinerySignature, headers: TaskHeaders | undefined): EncodedTask {
  const { UUID: messageId, Priority } = signature;
  return {
    body: writeSignature(signature),
    properties: { contentType: CONTENT_TYPE, messageId, headers, ...(Priority > 0 ? { priority: Priority } : {}) },
  };
}

/** Of a task of ours. `RoutingKey` is filled in by whoever knows it; machinery looks at it in what is retried. */
function fresh({ headers, ...task }: Task): Partial<MachinerySignature> {
  const due = headers?.[Header.due];
  return {
    RoutingKey: (task as { routingKey?: string }).routingKey ?? '', ETA: typeof due === 'number' ? instantOf(due) : null,
    Headers: Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => !name.startsWith('x-dispatcher-'))), RetryCount: attemptsIn(headers) - 1,
  };
}

function attemptsIn(headers: TaskHeaders | undefined): number {
  const retry = headers?.[Header.retry];
  if (typeof retry !== 'string') return 1;
  const { attempts } = JSON.parse(retry) as { attempts?: number };
  return attempts ?? 1;
}

/** What stands in the body alone, as after a delay on other brokers, counts too. */
function headersOf({ Headers }: MachinerySignature, headers: TaskHeaders | undefined): TaskHeaders | undefined {
  if (Headers === null || Object.keys(Headers).length === 0) return headers;
  const own = Object.entries(Headers).filter(([name, value]) => !name.startsWith('x-') && typeof value !== 'bigint');
  return { ...Object.fromEntries(own) as TaskHeaders, ...headers };
}

/** Where the task says how often, it also says when: along Fibonacci's numbers, in seconds, from the one after its last pause on. */
function retryOf({ RetryCount, RetryTimeout }: MachinerySignature, headers: TaskHeaders | undefined): RetryPolicy | undefined {
  if (RetryCount <= 0 && RetryTimeout <= 0) return undefined;
  const attempt = headers?.[Header.attempt];
  const delaySeconds = Math.min(nextFibonacci(RetryTimeout), LONGEST_DELAY_SECONDS);
  return { attempts: (typeof attempt === 'number' ? attempt : 1) + Math.max(RetryCount, 0), backoff: 'fixed', delaySeconds, maxDelaySeconds: LONGEST_DELAY_SECONDS, jitter: 0 };
}

/** The first that is greater. */
function nextFibonacci(than: number): number {
  let [current, next] = [1, 2];
  while (current <= than && current < Number.MAX_SAFE_INTEGER / 2) [current, next] = [next, current + next];
  return current;
}

/** Of a chord whose members have all succeeded, as the worker of its last one sends it. Their results come in this order. */
export function chordCallback(callback: MachinerySignature, member: Task, states: readonly MachineryState[]): FollowUp {
  const parent = { ...member.arrived?.envelope as MachinerySignature, Immutable: true };
  const Args = callback.Immutable ? callback.Args : [...callback.Args ?? [], ...joinedArguments(states)];
  return followUp({ ...callback, Args }, parent, { kind: 'succeeded', value: undefined }, `chord ${parent.GroupUUID}`);
}

function followUp(follower: MachinerySignature, parent: MachinerySignature, end: FollowedEnd, uuid: string): FollowUp {
  const results = end.kind === 'failed' || parent.Immutable ? [] : resultArguments(end.value);
  const errors = end.kind === 'failed' ? [{ Name: '', Type: 'string', Value: end.error }] : [];
  const args = [...errors, ...follower.Args ?? [], ...typeof results === 'string' ? [] : results];
  const isOwnPlace = follower.RoutingKey === '';
  const routingKey = isOwnPlace ? parent.RoutingKey : follower.RoutingKey;
  const signature = { ...follower, UUID: follower.UUID || `task_${uuid}`, RoutingKey: routingKey, Args: args.length === 0 ? null : args, Headers: follower.Headers ?? {} };
  const notBefore = follower.ETA === null ? undefined : Date.parse(follower.ETA);
  return {
    name: follower.Name, message: messageOf(signature, followerHeaders(follower)), notBefore,
    ...(routingKey === '' ? {} : { to: { routingKey, isOwnPlace } }),
    problem: typeof results === 'string' ? `It takes what task "${parent.Name}" returned: ${results}. Return something that machinery has a type for.` : undefined,
  };
}

function followerHeaders({ Headers }: MachinerySignature): TaskHeaders | undefined {
  return Headers === null || Object.keys(Headers).length === 0 ? undefined : headersOf({ Headers } as MachinerySignature, undefined);
}
