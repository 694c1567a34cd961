import { Header } from './headers.js';
import { LEVELS, type Level } from './priority.js';
import type { TaskHeaders } from './task.js';

/** Beside a queue: the tasks of one level. */
export function levelQueueOf(queue: string, level: Level): string {
  return `${queue}.${level}`;
}

/** Beside a queue whose tasks have weights: the tasks of one name. */
export function taskQueueOf(queue: string, task: string): string {
  return `${queue}.task.${task}`;
}

/** Whether `name` is one of these of the queue. */
export function isLineOf(queue: string, name: string): boolean {
  return name.startsWith(taskQueueOf(queue, '')) || LEVELS.some((level) => name === levelQueueOf(queue, level));
}

/** Beside a queue that has such queues: notes of which, for processes whose configuration does not know them. */
export function lineRegisterOf(queue: string): string {
  return `${queue}.lines`;
}

/** With this key a level is published. A character that nobody writes into keys keeps it apart from those of others. */
export function levelKeyOf(routingKey: string, level: Level): string {
  return `${routingKey}~${level}`;
}

/** The key without its level, for a message that no queue takes with it; `undefined` where the key has none. @publicApi */
export function keyWithoutLevel(routingKey: string, headers: TaskHeaders | undefined): string | undefined {
  const level = headers?.[Header.priority];
  if (level !== 'high' && level !== 'low') return undefined;
  const plain = routingKey.slice(0, -level.length - 1);
  return plain !== '' && levelKeyOf(plain, level) === routingKey ? plain : undefined;
}
