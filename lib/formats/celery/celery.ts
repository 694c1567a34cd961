import { InvalidBodyError } from '../../errors.js';
import { display, toHandlerValue } from '../../task/argument-types.js';
import { Header } from '../../task/headers.js';
import type { ArrivedAs, Task, TaskArgument, TaskHeaders } from '../../task/task.js';
import type { ArrivedMessage, ComposedMessage, ComposedPlan, ComposedTask, EncodedTask, FollowedEnd, FollowUp, FollowUpSurroundings, Format, NextAttempt } from '../format.js';
import { inferredArgument } from '../inferred.js';
import { readInstant } from '../instant.js';
import { pythonJson } from '../python-json.js';
import { isObject, malformed, nonEmptyString, readJson } from '../read-json.js';
import { bodyOf, celeryFollowUps, celeryHeaders, isEmpty, isoOf, needsResultsIn, NOTHING_FOLLOWS, propertiesOf, unsupportedIn, type Embed, type Envelope } from './celery-signature.js';

const CONTENT_TYPE = 'application/json';
const LONGEST_TEXT = 1024;

/**
 * Celery's protocol 2 with JSON: who a task is stands in its headers, what it is given in the body `[args, kwargs, embed]`.
 * Source: Celery 5.7.0 and its documentation of the protocol, as observed.
 */
export const celeryFormat: Format = {
  name: 'celery',
  contentType: CONTENT_TYPE,
  hasKwargs: true,

  encode(task: Task): EncodedTask {
    const known = task.arrived?.format === 'celery' ? (task.arrived.envelope as Envelope) : undefined;
    const { args, kwargs } = splitArguments(task);
    const texts = `[${args.map(argumentText).join(', ')}]`;
    const headers = known === undefined ? { ...freshHeaders(task, texts, kwargs), ...task.headers } : { ...known.headers, ...task.headers, id: task.uuid, task: task.name };
    return { body: bodyOf(texts, kwargs, known?.embed ?? NOTHING_FOLLOWS), properties: propertiesOf(task.uuid, headers) };
  },

  decode(message: ArrivedMessage): Task {
    const headers = message.properties.headers ?? {};
    const [uuid, name] = [nonEmptyString(headers.id), nonEmptyString(headers.task)];
    if (uuid === undefined) throw malformed('the header "id" must be a string that is not empty', headers.id);
    if (name === undefined) throw malformed('the header "task" must be a string that is not empty', headers.task);
    const { args, kwargs, embed } = readBody(message);
    const arrived: ArrivedAs = {
      format: 'celery', envelope: envelopeOf(message, headers, embed, kwargs), ...timesOf(headers), unsupported: unsupportedIn(embed), needsResults: needsResultsIn(embed),
      hasFollowUps: !isEmpty(embed.callbacks) || !isEmpty(embed.errbacks) || !isEmpty(embed.chain),
    };
    return { uuid, name, ...joinArguments(args, kwargs), headers: workerHeaders(headers), arrived };
  },

  identify({ properties: { headers, correlationId } }: ArrivedMessage): { uuid?: string; name?: string } {
    return { uuid: nonEmptyString(headers?.id) ?? correlationId, name: nonEmptyString(headers?.task) };
  },

  recognises({ properties: { headers } }: ArrivedMessage): boolean {
    return headers !== undefined && nonEmptyString(headers.task) !== undefined && nonEmptyString(headers.id) !== undefined && ('lang' in headers || 'root_id' in headers || 'retries' in headers);
  },

  nextAttempt({ properties: { headers } }: ArrivedMessage, { isCharged }: NextAttempt): { headers: TaskHeaders } {
    return { headers: isCharged ? { retries: countOf(headers?.retries) + 1 } : {} };
  },

  followUps(task: Task, end: FollowedEnd, surroundings: FollowUpSurroundings): FollowUp[] {
    const { headers, embed } = task.arrived?.envelope as Envelope;
    return celeryFollowUps({ id: task.uuid, headers, embed }, end, surroundings);
  },

  /** As Celery does it: the rest of a chain stands in its first task, and the callback of a chord in each member. */
  compose({ kind, tasks, callback, group }: ComposedPlan): ComposedMessage[] {
    const [first, ...rest] = tasks;
    if (kind === 'chain') return first === undefined ? [] : [composed(first, { ...NOTHING_FOLLOWS, chain: rest.map(signatureOf).reverse() }, {})];
    const chord = callback === undefined ? null : signatureOf(callback);
    return tasks.map((task, index) => composed(task, { ...NOTHING_FOLLOWS, chord }, { group, group_index: index }));
  },
};

function composed({ task, routingKey, replyTo }: ComposedTask, embed: Embed, more: TaskHeaders): ComposedMessage {
  const { args, kwargs } = splitArguments(task);
  const texts = `[${args.map(argumentText).join(', ')}]`;
  const properties = propertiesOf(task.uuid, { ...freshHeaders(task, texts, kwargs), ...more, ...task.headers });
  return { routingKey, message: { body: bodyOf(texts, kwargs, embed), properties: replyTo === undefined ? properties : { ...properties, replyTo } } };
}

function signatureOf({ task, queue, replyTo }: ComposedTask): object {
  const { args, kwargs } = splitArguments(task);
  return { task: task.name, args: args.map(({ value }) => value), kwargs, options: { task_id: task.uuid, queue, ...(replyTo === undefined ? {} : { reply_to: replyTo }) }, subtask_type: null, immutable: false };
}

function envelopeOf({ properties: { replyTo, correlationId } }: ArrivedMessage, headers: TaskHeaders, embed: Embed, kwargs: Record<string, unknown>): Envelope {
  return { headers, embed, kwargs, ...(replyTo === undefined ? {} : { replyTo }), ...(correlationId === undefined ? {} : { correlationId }) };
}

/** @throws InvalidBodyError */
function readBody({ body, properties: { contentType, contentEncoding, headers } }: ArrivedMessage): { args: unknown[]; kwargs: Record<string, unknown>; embed: Embed } {
  if (contentType !== undefined && contentType !== CONTENT_TYPE) {
    throw new InvalidBodyError(`The body is ${display(contentType)}; of Celery's serializers only JSON is read. Set task_serializer = 'json'.`, { contentType });
  }
  const { compression } = headers ?? {};
  if (typeof compression === 'string') throw new InvalidBodyError(`The body is compressed (${display(compression)}), which is not read. Send such tasks without compression.`, { compression });
  const bytes = contentEncoding === 'base64' ? Buffer.from(body.toString('latin1'), 'base64') : body;
  const content = readJson(bytes, 'a list [args, kwargs, embed] of Celery');
  if (!Array.isArray(content) || content.length < 2) throw malformed('the body must be a list [args, kwargs, embed]', content);
  const [args, kwargs, embed] = content as unknown[];
  if (!Array.isArray(args)) throw malformed('"args" must be a list', args);
  if (!isObject(kwargs ?? {})) throw malformed('"kwargs" must be an object', kwargs);
  if (!isObject(embed ?? {})) throw malformed('what follows kwargs must be an object', embed);
  return { args, kwargs: (kwargs ?? {}) as Record<string, unknown>, embed: { ...NOTHING_FOLLOWS, ...embed as Partial<Embed> } };
}

/** What is said by name comes last, as one object. */
export function joinArguments(args: readonly unknown[], kwargs: Record<string, unknown>): Pick<Task, 'args' | 'hasKwargs'> {
  const joined = args.map(inferredArgument).map(({ type, value }): TaskArgument => ({ type, value: toHandlerValue(type, value) }));
  if (Object.keys(kwargs).length === 0) return { args: joined };
  return { args: [...joined, { type: 'json', value: kwargs }], hasKwargs: true };
}

export function splitArguments({ args, hasKwargs }: Task): { args: readonly TaskArgument[]; kwargs: Record<string, unknown> } {
  const last = args.at(-1)?.value;
  return hasKwargs === true && isObject(last) ? { args: args.slice(0, -1), kwargs: last } : { args, kwargs: {} };
}

export function argumentText({ type, value }: TaskArgument): string {
  return pythonJson(value, /float/.test(type));
}

function freshHeaders(task: Task, args: string, kwargs: Record<string, unknown>): TaskHeaders {
  const { [Header.due]: due, [Header.expires]: expires } = task.headers ?? {};
  const headers = celeryHeaders({ id: task.uuid, task: task.name, argsrepr: args.slice(0, LONGEST_TEXT), kwargsrepr: pythonJson(kwargs).slice(0, LONGEST_TEXT) });
  return { ...headers, eta: isoOf(timeIn(due)), expires: isoOf(timeIn(expires)) };
}

/** As our workers go by them; what one of ours has written counts before that. */
function workerHeaders(headers: TaskHeaders): TaskHeaders {
  const expires = typeof headers.expires === 'string' ? readInstant(headers.expires) : undefined;
  const retries = countOf(headers.retries);
  const ours: TaskHeaders = { ...(retries > 0 ? { [Header.attempt]: retries + 1 } : {}), ...(expires === undefined ? {} : { [Header.expires]: expires }) };
  return { ...ours, ...headers };
}

function timesOf({ eta, timelimit }: TaskHeaders): Pick<ArrivedAs, 'notBefore' | 'timeoutSeconds'> {
  const limits = (Array.isArray(timelimit) ? timelimit : []).filter((limit) => typeof limit === 'number' && limit > 0) as number[];
  return { notBefore: typeof eta === 'string' ? readInstant(eta) : undefined, timeoutSeconds: limits.length === 0 ? undefined : Math.min(...limits) };
}

function timeIn(header: unknown): number | undefined {
  return typeof header === 'number' ? header : undefined;
}

function countOf(header: unknown): number {
  return typeof header === 'number' && Number.isSafeInteger(header) && header > 0 ? header : 0;
}
