import type { TaskHeaders } from './task.js';

/**
 * The headers that are ours. They are written only where they say something, so that a plain task
 * looks on the wire just as gofort/dispatcher's. `docs/wire-format.md` documents each.
 */
export const Header = {
  /** Which run of the task this is, from 1. Absent means 1. */
  attempt: 'x-dispatcher-attempt',
  /** How often a worker gave the task back because it has no handler of this name. */
  returns: 'x-dispatcher-returns',
  /** How often it was given back although somebody is known to take its name: that one was busy, or another got it first. */
  passes: 'x-dispatcher-passes',
  /** More than 0: it is a copy of a delivery of this attempt that came back unsettled. How often that was, it does not say. */
  redeliveries: 'x-dispatcher-redeliveries',
  /** Which version of the task its arguments are of. Absent means 1. */
  version: 'x-dispatcher-version',
  /** The retry options of this one task, as JSON; they win over those of its handler. */
  retry: 'x-dispatcher-retry',
  /** Its failed attempts so far, as JSON: `[{ attempt, at, worker, error }]`. */
  history: 'x-dispatcher-history',
  /** `true`: the result is kept by the worker's result backend. */
  result: 'x-dispatcher-result',
  /** Where the task was published, once it has been sent on by us; the broker then reports our address instead. */
  originExchange: 'x-dispatcher-origin-exchange',
  originRoutingKey: 'x-dispatcher-origin-routing-key',
  /** Properties that cannot be sent on, as the first of us to take the message found them: RabbitMQ's user id, and a foreign time to live. */
  originUserId: 'x-dispatcher-origin-user-id',
  originExpiration: 'x-dispatcher-origin-expiration',
  /** When a delayed task was to run, in milliseconds since 1970. For whoever wants to know how late it is; it delays nothing. */
  due: 'x-dispatcher-due',
  /**
   * There may be several copies of it under its uuid, of which one is to run. The value: for how many seconds its end
   * is remembered.
   */
  once: 'x-dispatcher-once',
  /** With it: which of the copies this is, so that one that comes back from a dead worker need not wait until that is certain. */
  copy: 'x-dispatcher-copy',
  /**
   * It stands for a task that is running, whose own delivery was acknowledged so that the broker does not take it away.
   * The value: the name under which the claim of that run is kept.
   */
  lease: 'x-dispatcher-lease',
  /** With it: how often in turn it has met the claim unchanged, and which: `<count> <owner> <at>`. */
  claimSeen: 'x-dispatcher-claim-seen',
  /** The name of the schedule that published the task. */
  schedule: 'x-dispatcher-schedule',
  /** The tick that the task is of, in milliseconds since 1970: when it was meant to be. */
  tick: 'x-dispatcher-tick',
  /** The unique key that the task holds, as JSON: `{ key, scope, seconds, token, replace }`. */
  unique: 'x-dispatcher-unique',
  /** It stands in a line of tasks of its key, as JSON: `{ key, token, onFailure }`. */
  order: 'x-dispatcher-order',
  /** It waits for the end of a window that tasks of its key share, as JSON: `{ kind, key, token, burst, seq, waitMs, seen }`. */
  edge: 'x-dispatcher-edge',
  /** From when on the task is not run any more, in milliseconds since 1970. */
  expires: 'x-dispatcher-expires',
  /** While it waits out a delay on RabbitMQ: `{ due, routingKey or queue, tries, by, at, ladderMs }` as JSON. It is taken off before a worker sees the task. */
  delayed: 'x-dispatcher-delayed',
  /** `high` or `low`, of a task that was published with it; absent means normal. */
  priority: 'x-dispatcher-priority',
  /** How often it was put off because tasks of its name were paused. */
  pauses: 'x-dispatcher-pauses',
  /** How often it was taken from the dead letters and run anew; absent means never. */
  replays: 'x-dispatcher-replays',
  /** Which step of which workflow it is: `<uuid> <path>`, and ` plain` for a member of which nothing more is planned. */
  workflow: 'x-dispatcher-workflow',
  /** Its steps are recorded under its uuid: how often it has waited, and of that wake which copy: `<wake> <copy>`. */
  steps: 'x-dispatcher-steps',
  /** When it was published, in milliseconds since 1970; written only where its uuid is none of chance, or somebody measures how long tasks wait. */
  published: 'x-dispatcher-published',
  /** Of what is tried again, or died: the trace context (W3C `traceparent`) of the attempt before. */
  attemptTrace: 'x-dispatcher-attempt-trace',
  /** The format of the body, where that cannot be seen from the message itself. */
  format: 'x-dispatcher-format',
  /** The name of the task, where its body is encrypted or signed: bound to it, and readable without a key. */
  task: 'x-dispatcher-task',
  /** `<key> <bytes> <digest>`: the body is in the claim store, and this stands in its place. Empty: not any more. */
  claim: 'x-dispatcher-claim',
  /** The id of the key that the body is encrypted with. */
  key: 'x-dispatcher-key',
  /** `<key id> <HMAC>`: who has the key has written the message. */
  signature: 'x-dispatcher-signature',
  deadReason: 'x-dispatcher-dead-reason',
  deadError: 'x-dispatcher-dead-error',
  deadStack: 'x-dispatcher-dead-stack',
  /** What is wrong with its arguments, as a JSON list of texts. */
  deadIssues: 'x-dispatcher-dead-issues',
  /** ISO 8601. */
  deadAt: 'x-dispatcher-dead-at',
  deadQueue: 'x-dispatcher-dead-queue',
  deadWorker: 'x-dispatcher-dead-worker',
  /** Names of the sender's headers that were left out of a dead letter because there was no room. */
  deadDropped: 'x-dispatcher-dead-dropped-headers',
} as const;

/** Written by brokers on delivery or dead-lettering; sent again they misroute or drop a message. */
const BROKER_HEADER = /^(x-death|x-(first|last)-death-.*|x-delivery-count|x-acquired-count|x-delay|cc|bcc)$/i;

/** The sender's headers that may travel again: neither the broker's, nor those that ours replace. Any name is data, also `__proto__`. */
export function republishableHeaders(headers: TaskHeaders | undefined): TaskHeaders {
  if (headers === undefined) return {};
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !BROKER_HEADER.test(name)));
}

/** A positive whole number in a header, or the fallback: a header may hold anything. */
export function countHeader(headers: TaskHeaders | undefined, name: string, fallback: number): number {
  const value = headers?.[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : fallback;
}

/** The version of the task that its arguments are of, from 1. What is there and no version is 0, which nobody has. */
export function versionIn(headers: TaskHeaders | undefined): number {
  return headers?.[Header.version] === undefined ? 1 : countHeader(headers, Header.version, 0);
}

/** The attempt that a delivery with these headers is, from 1. */
export function attemptIn(headers: TaskHeaders | undefined): number {
  return headers?.[Header.attempt] === undefined ? 1 : Math.max(1, countHeader(headers, Header.attempt, 1));
}
