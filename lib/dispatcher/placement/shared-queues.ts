import type { QueueTypeOption } from '../../brokers/broker.js';
import { deadLetterQueueOf } from '../../task/dead-letter-queue.js';
import type { WorkerConfig } from '../../worker/worker-config.js';
import { typeText } from '../config/queue-config.js';

/** What several workers say of one queue, and not alike: it works, and hardly as it is meant. Types are refused before. */
export function sharedQueueWarnings(workers: readonly WorkerConfig[]): string[] {
  const byQueue = new Map<string, WorkerConfig[]>();
  for (const worker of workers) byQueue.set(worker.queue, [...byQueue.get(worker.queue) ?? [], worker]);
  return [...byQueue].flatMap(([queue, those]) => [
    prioritiesText(queue, those), wireText(queue, those), deadLettersText(queue, those, byQueue.get(deadLetterQueueOf(queue)) ?? []),
  ].filter((text) => text !== undefined));
}

function prioritiesText(queue: string, workers: readonly WorkerConfig[]): string | undefined {
  const [having, lacking] = [workers.filter(({ priorities }) => priorities === true), workers.filter(({ priorities }) => priorities !== true)];
  if (having.length === 0 || lacking.length === 0) return undefined;
  return `Of the workers of the queue "${queue}", ${named(having)} has priorities: true, and ${named(lacking)} has not: it takes tasks of high and low priority only if their queues were there when it started. `
    + 'Write the same for all of them.';
}

function wireText(queue: string, workers: readonly WorkerConfig[]): string | undefined {
  const [strict, others] = (['gofort-strict', 'dispatcher'] as const).map((wire) => workers.filter((worker) => worker.wire === wire)) as [WorkerConfig[], WorkerConfig[]];
  if (strict.length === 0 || others.length === 0) return undefined;
  return `Of the queue "${queue}", ${named(strict)} says wire: 'gofort-strict', and ${named(others)} says wire: 'dispatcher'. The stricter one holds for all. Write the same for all of them.`;
}

/** @param takers the workers of the dead letters of that queue */
function deadLettersText(queue: string, workers: readonly WorkerConfig[], takers: readonly WorkerConfig[]): string | undefined {
  const [worker] = workers;
  const other = takers.find(({ type }) => isQuorum(type) !== isQuorum(worker?.type));
  if (worker === undefined || other === undefined) return undefined;
  return `The queue "${other.queue}" has the dead letters of "${queue}", whose ${saidBy(worker)}, and is taken from by ${named([other])}, which says ${typeText(other.type)}: whoever declares it first decides. `
    + 'Write the same type for both.';
}

function isQuorum(type: QueueTypeOption | undefined): boolean {
  return type === 'quorum';
}

function saidBy(worker: WorkerConfig): string {
  return `${named([worker])} says ${typeText(worker.type)}`;
}

function named(workers: readonly WorkerConfig[]): string {
  return workers.map(({ name }) => `worker "${name}"`).join(', ');
}
