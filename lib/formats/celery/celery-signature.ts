import type { TaskHeaders } from '../../task/task.js';
import type { EncodedTask, FollowedEnd, FollowUp, FollowUpSurroundings } from '../format.js';
import { readInstant } from '../instant.js';
import { pythonJson } from '../python-json.js';
import { isObject, nonEmptyString } from '../read-json.js';

/** What stands behind args and kwargs. Source: Celery's message protocol 2. */
export interface Embed {
  readonly callbacks: unknown;
  readonly errbacks: unknown;
  /** The next one last. */
  readonly chain: unknown;
  readonly chord: unknown;
}

/** What a message of Celery says beside arguments. */
export interface Envelope extends ReplyTo {
  readonly headers: TaskHeaders;
  readonly embed: Embed;
  readonly kwargs: Record<string, unknown>;
}

/** Where its sender waits for the result, where Celery sends results so. */
interface ReplyTo {
  readonly replyTo?: string | undefined;
  readonly correlationId?: string | undefined;
}

/** A task that is to be sent later on, as Celery keeps it. */
interface Signature {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly immutable: boolean;
}

export const NOTHING_FOLLOWS: Embed = { callbacks: null, errbacks: null, chain: null, chord: null };

/** Tasks of Celery's own stand for more than one task, and its workers take them apart. */
const COMPOSED = /^celery\./;

export function isEmpty(list: unknown): boolean {
  return list === null || list === undefined || (Array.isArray(list) && list.length === 0);
}

/** Why what follows cannot be carried on here. `undefined`: it can. */
export function unsupportedIn({ callbacks, errbacks, chain, chord }: Embed): string | undefined {
  for (const [name, list] of Object.entries({ callbacks, errbacks, chain, chord: isNothing(chord) ? null : [chord] })) {
    if (isEmpty(list)) continue;
    if (!Array.isArray(list)) return `its ${name} are no list of signatures.`;
    for (const one of list as unknown[]) {
      const signature = signatureIn(one);
      if (signature === undefined) return `its ${name} have something that is no signature of a task.`;
      const { subtask_type: kind } = one as { subtask_type?: unknown };
      if (COMPOSED.test(signature.task) || !(kind === null || kind === undefined)) return `its ${name} have a ${nonEmptyString(kind) ?? signature.task}, which only a worker of Celery can take apart.`;
    }
  }
  return undefined;
}

/** Why it can be run only where results are kept. `undefined`: it can anyhow. */
export function needsResultsIn({ chord, chain }: Embed): string | undefined {
  const isMember = !isNothing(chord) || chainOf({ ...NOTHING_FOLLOWS, chain }).some((task) => task.chord !== undefined);
  return isMember ? "it is a member of a chord, whose members are counted by the result backend of Celery: name that to the dispatcher, foreignResults: { celery: 'redis://...' }." : undefined;
}

/** A task that is to follow, and what it is a member of. */
export interface ChainedTask {
  readonly id: string | undefined;
  readonly chord: unknown;
  readonly group: string | undefined;
  readonly index: number | undefined;
  /** Where its sender waits for its result. */
  readonly replyTo: string | undefined;
}

/** What would have followed one after the other, the next one last. */
export function chainOf({ chain }: Embed): ChainedTask[] {
  return (Array.isArray(chain) ? chain as unknown[] : []).map((one): ChainedTask => {
    const options = signatureIn(one)?.options ?? {};
    return {
      id: nonEmptyString(options.task_id), chord: isNothing(options.chord) ? undefined : options.chord, group: nonEmptyString(options.group_id),
      index: typeof options.group_index === 'number' ? options.group_index : undefined, replyTo: nonEmptyString(options.reply_to),
    };
  });
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function signatureIn(value: unknown): Signature | undefined {
  if (!isObject(value)) return undefined;
  const { task, args = [], kwargs = {}, options = {}, immutable = false } = value;
  if (nonEmptyString(task) === undefined || !Array.isArray(args) || !isObject(kwargs) || !isObject(options)) return undefined;
  return { task: task as string, args, kwargs, options, immutable: immutable === true };
}

/** The task that has ended. */
export interface Parent {
  readonly id: string;
  readonly headers: TaskHeaders;
  readonly embed: Embed;
}

/** As Celery's workers do it: what was returned, or the id of what failed, comes before the arguments, unless those are immutable. */
export function celeryFollowUps({ id, headers, embed }: Parent, end: FollowedEnd, surroundings: FollowUpSurroundings): FollowUp[] {
  const made: FollowUp[] = [];
  const send = (value: unknown, place: string, first: unknown, chain: readonly unknown[] | null): void => {
    const signature = signatureIn(value);
    if (signature !== undefined) made.push(followUp(signature, { first, chain, id: nonEmptyString(signature.options.task_id) ?? surroundings.uuidFor(place), parent: id, parentHeaders: headers, now: surroundings.now }));
  };
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value as unknown[] : []);
  if (end.kind === 'failed') {
    list(embed.errbacks).forEach((one, index) => send(one, `errback ${index}`, id, null));
    return made;
  }
  const value = end.value === undefined ? null : end.value;
  list(embed.callbacks).forEach((one, index) => send(one, `callback ${index}`, value, null));
  const chain = list(embed.chain);
  if (chain.length > 0) send(chain.at(-1), `chain ${chain.length}`, value, chain.slice(0, -1));
  return made;
}

/** Of a chord whose members have all succeeded: it gets their results as one list. */
export function chordCallback(callback: unknown, results: readonly unknown[], parent: Parent, { now, uuidFor }: FollowUpSurroundings): FollowUp {
  const signature = signatureIn(callback) as Signature;
  return followUp(signature, { first: results, chain: null, id: chordIdOf(signature, parent, uuidFor), parent: parent.id, parentHeaders: parent.headers, now });
}

/** Of a chord of which a member has failed: the id of its callback, which will never run, and what is to be told of that. */
export function chordErrbacks(callback: unknown, parent: Parent, { now, uuidFor }: FollowUpSurroundings): { id: string; followUps: FollowUp[] } {
  const signature = signatureIn(callback) as Signature;
  const id = chordIdOf(signature, parent, uuidFor);
  const failed: Parent = { id, headers: parent.headers, embed: { ...NOTHING_FOLLOWS, errbacks: signature.options.link_error ?? null } };
  return { id, followUps: celeryFollowUps(failed, { kind: 'failed', error: '' }, { now, uuidFor: (place) => uuidFor(`chord ${place}`) }) };
}

function chordIdOf({ options }: Signature, { headers }: Parent, uuidFor: FollowUpSurroundings['uuidFor']): string {
  return nonEmptyString(options.task_id) ?? uuidFor(`chord ${nonEmptyString(headers.group) ?? ''}`);
}

interface Circumstances {
  readonly first: unknown;
  readonly chain: readonly unknown[] | null;
  readonly id: string;
  readonly parent: string;
  readonly parentHeaders: TaskHeaders;
  readonly now: number;
}

function followUp({ task, args, kwargs, options, immutable }: Signature, { first, chain, id, parent, parentHeaders, now }: Circumstances): FollowUp {
  const own = { callbacks: options.link ?? null, errbacks: options.link_error ?? null, chain: isEmpty(chain) ? options.chain ?? null : chain, chord: options.chord ?? null };
  const body = bodyText(immutable ? args : [first, ...args], kwargs, own);
  const notBefore = timeOf(options.eta) ?? (typeof options.countdown === 'number' ? now + options.countdown * 1000 : undefined);
  const expires = typeof options.expires === 'number' ? now + options.expires * 1000 : timeOf(options.expires);
  const headers = {
    ...celeryHeaders({ id, task, argsrepr: pythonJson(immutable ? args : [first, ...args]).slice(0, 1024), kwargsrepr: pythonJson(kwargs).slice(0, 1024) }),
    eta: isoOf(notBefore), expires: isoOf(expires), parent_id: parent, root_id: nonEmptyString(parentHeaders.root_id) ?? parent,
    group: nonEmptyString(options.group_id) ?? null, group_index: typeof options.group_index === 'number' ? options.group_index : null,
    timelimit: [secondsOf(options.time_limit), secondsOf(options.soft_time_limit)], ...(isObject(options.headers) ? options.headers as TaskHeaders : {}),
  };
  const queue = nonEmptyString(options.queue) ?? nonEmptyString(options.routing_key);
  const replyTo = nonEmptyString(options.reply_to);
  return { name: task, message: { body, properties: { ...propertiesOf(id, headers), ...(replyTo === undefined ? {} : { replyTo }) } }, ...(queue === undefined ? {} : { to: { queue } }), notBefore };
}

export function bodyText(args: readonly unknown[], kwargs: unknown, embed: Embed): Buffer {
  return bodyOf(`[${args.map((arg) => pythonJson(arg)).join(', ')}]`, kwargs, embed);
}

/** @param args as JSON */
export function bodyOf(args: string, kwargs: unknown, { callbacks, errbacks, chain, chord }: Embed): Buffer {
  return Buffer.from(`[${args}, ${pythonJson(kwargs)}, ${pythonJson({ callbacks, errbacks, chain, chord })}]`);
}

export function propertiesOf(id: string, headers: TaskHeaders): EncodedTask['properties'] {
  return { contentType: 'application/json', contentEncoding: 'utf-8', correlationId: id, messageId: id, headers };
}

/** All that Celery writes, in a task of which nothing is said. */
export function celeryHeaders({ id, task, argsrepr, kwargsrepr }: { id: string; task: string; argsrepr: string; kwargsrepr: string }): TaskHeaders {
  return {
    lang: 'js', task, id, shadow: null, eta: null, expires: null, group: null, group_index: null, retries: 0, timelimit: [null, null], root_id: id, parent_id: null,
    argsrepr, kwargsrepr, origin: 'nestjs-dispatcher', ignore_result: false, replaced_task_nesting: 0, stamped_headers: null, stamps: {},
  };
}

/** As Python writes it. */
export function isoOf(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString().replace('Z', '000+00:00');
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'string' ? readInstant(value) : undefined;
}

function secondsOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
