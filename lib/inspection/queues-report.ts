import type { QueueType } from '../brokers/broker.js';
import type { Pause } from '../control/pause.js';
import type { QueuePart } from './asking/messages.js';
import { mergedMinutes } from './book/queue-minutes.js';
import type { QueueInfo, QueuesReport } from './model.js';

/** What is asked of the broker about queues. */
export interface QueueSource {
  /** Of the configuration of this process. `undefined` as its type: the server's own. */
  readonly known: () => readonly { readonly name: string; readonly type: QueueType | undefined }[];
  /** Of a work queue with all its levels and lines. */
  readonly depth: (queue: string) => Promise<number | undefined>;
  /** Since when the oldest of them waits, where that can be known. */
  readonly oldestSince: (queue: string) => Promise<number | undefined>;
  readonly dead: (queue: string) => Promise<number | undefined>;
  readonly delayed: () => Promise<number>;
  readonly undelivered: () => Promise<number | undefined>;
  readonly pauses: () => Promise<readonly Pause[]>;
  readonly now: () => number;
}

const AT_A_TIME = 4;
const MOST_QUEUES = 1_000;

/** Of the queues of this process' configuration and of all workers that answered. */
export async function queuesReport(source: QueueSource, parts: readonly QueuePart[]): Promise<QueuesReport> {
  return queuesReportOf(await countsOf(source, parts.map(({ queue }) => queue)), source, parts);
}

/** What the broker tells. */
export interface QueueCounts {
  readonly pauses: readonly Pause[];
  readonly delayed: number;
  readonly undelivered: number | undefined;
  readonly byName: ReadonlyMap<string, Counts>;
}

/** @param others beside those of the configuration of this process */
export async function countsOf(source: QueueSource, others: readonly string[]): Promise<QueueCounts> {
  const [pauses, delayed, undelivered, byName] = await Promise.all([
    source.pauses(), source.delayed(), source.undelivered(), countsByName(source, [...source.known().map(({ name }) => name), ...others]),
  ]);
  return { pauses, delayed, undelivered, byName };
}

/** What is asked of the broker is asked before it is known which workers answer: only of what they name besides, it is asked now. */
export async function queuesReportOf(counts: QueueCounts, source: QueueSource, parts: readonly QueuePart[]): Promise<QueuesReport> {
  const known = [...source.known(), ...parts.map(({ queue, type }) => ({ name: queue, type }))];
  const types = new Map(known.flatMap(({ name, type }) => (type === undefined ? [] : [[name, type] as const])));
  const names = sortedNames(known.map(({ name }) => name));
  const late = await countsByName(source, names.filter((name) => !counts.byName.has(name)));
  const partsOf = new Map<string, QueuePart[]>();
  for (const part of parts) {
    const some = partsOf.get(part.queue);
    if (some === undefined) partsOf.set(part.queue, [part]);
    else some.push(part);
  }
  const queues = names.map((name) => queueInfo(name, types.get(name), {
    ...(counts.byName.get(name) ?? late.get(name) ?? { waiting: undefined, oldestWaitMs: undefined, dead: undefined }),
    pause: counts.pauses.find((pause) => pause.kind === 'queue' && pause.name === name), parts: partsOf.get(name) ?? [],
  }));
  return { queues, delayed: counts.delayed, undelivered: counts.undelivered ?? 0 };
}

async function countsByName(source: QueueSource, names: readonly string[]): Promise<QueueCounts['byName']> {
  return new Map(await fewAtATime(sortedNames(names), async (name) => [name, await countsOfOne(source, name)] as const));
}

async function countsOfOne(source: QueueSource, name: string): Promise<Counts> {
  const waiting = await source.depth(name);
  const since = waiting === undefined || waiting === 0 ? undefined : await source.oldestSince(name);
  // Clocks of machines differ.
  return { waiting, oldestWaitMs: since === undefined ? undefined : Math.max(0, Math.round(source.now() - since)), dead: await source.dead(name) };
}

function sortedNames(names: readonly string[]): string[] {
  return [...new Set(names)].sort().slice(0, MOST_QUEUES);
}

interface Counts {
  readonly waiting: number | undefined;
  readonly oldestWaitMs: number | undefined;
  readonly dead: number | undefined;
}

interface QueueFacts extends Counts {
  readonly pause: Pause | undefined;
  readonly parts: readonly QueuePart[];
}

function queueInfo(name: string, type: QueueType | undefined, { waiting, oldestWaitMs, dead, pause, parts }: QueueFacts): QueueInfo {
  const sum = (of: (part: QueuePart) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const waits = parts.flatMap(({ lastWaitMs }) => (lastWaitMs === undefined ? [] : [lastWaitMs]));
  return {
    name, ...(type === undefined ? {} : { type }), ...(waiting === undefined ? {} : { waiting }), ...(oldestWaitMs === undefined ? {} : { oldestWaitMs }), ...(dead === undefined ? {} : { dead }), ...(pause === undefined ? {} : { pause }),
    unacknowledged: sum((part) => part.running + part.waiting), running: sum((part) => part.running), consumers: sum((part) => (part.consuming ? 1 : 0)), ...(waits.length === 0 ? {} : { lastWaitMs: Math.max(...waits) }),
    history: mergedMinutes(parts.map(({ history }) => history)),
  };
}

/** A broker is asked about many queues without noticing. */
async function fewAtATime<T, U>(items: readonly T[], ask: (item: T) => Promise<U>): Promise<U[]> {
  const answers: U[] = [];
  for (let at = 0; at < items.length; at += AT_A_TIME) answers.push(...await Promise.all(items.slice(at, at + AT_A_TIME).map(ask)));
  return answers;
}
