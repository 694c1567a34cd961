import type { QueueDeclaration, QueueTypeOption } from '../../brokers/broker.js';
import { deadLetterQueueOf } from '../../task/dead-letter-queue.js';
import { LEVELS, type Level } from '../../task/priority.js';
import { levelKeyOf, levelQueueOf, taskQueueOf } from '../../task/queue-lines.js';
import type { Handler } from '../handler.js';

/** Of 21 starts while all three levels have tasks, 16 are high, 4 normal and 1 low. */
export const LEVEL_WEIGHTS = { high: 16, normal: 4, low: 1 } as const;
export const LEVEL_NAMES = ['high', 'normal', 'low'] as const;
const DEFAULT_WEIGHT = 1;

/** One queue beside the main one of a worker, and its share among those of its level. */
export interface LinePlan {
  /** What a note says of it: `level:high`, `task:report`. */
  readonly note: string;
  readonly queue: string;
  readonly level: Level | 'normal';
  readonly weight: number;
  /** The name of its tasks, where it has only those. */
  readonly task?: string;
}

/** What makes a worker need queues beside its own. */
export interface LineSource {
  readonly queue: string;
  readonly priorities?: boolean;
  readonly handlers: ReadonlyMap<string, Pick<Handler, 'weight'>>;
}

/** True where deliveries are sorted by name. */
export function hasWeights(handlers: LineSource['handlers']): boolean {
  for (const { weight } of handlers.values()) if (weight !== undefined) return true;
  return false;
}

/** The notes of the lines that this configuration needs. */
export function neededNotes({ priorities, handlers }: LineSource): string[] {
  const levels = priorities ? LEVELS.map((level) => `level:${level}`) : [];
  return hasWeights(handlers) ? [...levels, ...[...handlers.keys()].map((task) => `task:${task}`)] : levels;
}

/** The lines of a worker: those that it needs, and those that others have noted and may have left tasks in. */
export function planLines(source: LineSource, noted: readonly string[]): LinePlan[] {
  const plans: LinePlan[] = [];
  for (const note of new Set([...neededNotes(source), ...noted])) {
    const plan = planOf(note, source);
    if (plan !== undefined) plans.push(plan);
  }
  return plans;
}

/** The queues beside a queue that such notes stand for. */
export function noteQueues(queue: string, notes: readonly string[]): string[] {
  return planLines({ queue, handlers: new Map() }, notes).map((plan) => plan.queue);
}

/** `undefined` for a note of a newer version. */
function planOf(note: string, { queue, handlers }: LineSource): LinePlan | undefined {
  const level = LEVELS.find((one) => note === `level:${one}`);
  if (level !== undefined) return { note, queue: levelQueueOf(queue, level), level, weight: 1 };
  if (!note.startsWith('task:')) return undefined;
  const task = note.slice('task:'.length);
  return { note, queue: taskQueueOf(queue, task), level: 'normal', weight: handlers.get(task)?.weight ?? DEFAULT_WEIGHT, task };
}

/** By queue: its share of all starts while every line has tasks; together 1. */
export function sharesOf(plans: readonly Pick<LinePlan, 'queue' | 'level' | 'weight'>[]): ReadonlyMap<string, number> {
  const inLevel = { high: 0, normal: 0, low: 0 };
  for (const { level, weight } of plans) inLevel[level] += weight;
  const total = LEVEL_NAMES.reduce((sum, level) => sum + (inLevel[level] > 0 ? LEVEL_WEIGHTS[level] : 0), 0);
  return new Map(plans.map(({ queue, level, weight }) => [queue, (LEVEL_WEIGHTS[level] / total) * (weight / inLevel[level])]));
}

/** Of the same kind as the main queue; their dead letters go where those of the main queue go. */
export function declarationsOf(plans: readonly LinePlan[], queue: string, bindingKeys: readonly string[], type: QueueTypeOption | undefined): QueueDeclaration[] {
  return plans.map(({ queue: name, level }) => ({
    // No Go service declares these.
    name, type: type === 'server-default' ? 'classic' : type, purpose: 'work', deadLetterQueue: deadLetterQueueOf(queue),
    bindingKeys: level === 'normal' ? [] : bindingKeys.map((key) => levelKeyOf(key, level)),
  }));
}
