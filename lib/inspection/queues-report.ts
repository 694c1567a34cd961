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
  readonly dead: (queue: string) => Promise<number | undefined>;
  readonly delayed: () => Promise<number>;
  readonly undelivered: () => Promise<number | undefined>;
  readonly pauses: () => Promise<readonly Pause[]>;
}

const AT_A_TIME = 4;
const MOST_QUEUES = 1_000;

/** Of the queues of this process' configuration and of all workers that answered. */
export async function queuesReport(source: QueueSource, parts: readonly QueuePart[]): Promise<QueuesReport> {
  const known = [...source.known(), ...parts.map(({ queue, type }) => ({ name: queue, type }))];
  const types = new Map(known.flatMap(({ name, type }) => (type === undefined ? [] : [[name, type] as const])));
  const names = [...new Set(known.map(({ name }) => name))].sort().slice(0, MOST_QUEUES);
  const [pauses, delayed, undelivered] = await Promise.all([source.pauses(), source.delayed(), source.undelivered()]);
  const queues = await fewAtATime(names, async (name) => queueInfo(name, types.get(name), {
    waiting: await source.depth(name), dead: await source.dead(name),
    pause: pauses.find((pause) => pause.kind === 'queue' && pause.name === name), parts: parts.filter(({ queue }) => queue === name),
  }));
  return { queues, delayed, undelivered: undelivered ?? 0 };
}

interface QueueFacts {
  readonly waiting: number | undefined;
  readonly dead: number | undefined;
  readonly pause: Pause | undefined;
  readonly parts: readonly QueuePart[];
}

function queueInfo(name: string, type: QueueType | undefined, { waiting, dead, pause, parts }: QueueFacts): QueueInfo {
  const sum = (of: (part: QueuePart) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const waits = parts.flatMap(({ lastWaitMs }) => (lastWaitMs === undefined ? [] : [lastWaitMs]));
  return {
    name, ...(type === undefined ? {} : { type }), ...(waiting === undefined ? {} : { waiting }), ...(dead === undefined ? {} : { dead }), ...(pause === undefined ? {} : { pause }),
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
