import type { ServerConfig } from 'nestjs-dispatcher';
import { TimingMiddleware } from './timing.middleware.js';
import type { Role, Settings } from './settings.js';

/** Two queues: word counts are many and short, and must not stand in line behind a slow task. */
export function wordsRoutingKey({ prefix }: Settings): string {
  return `${prefix}.words`;
}

/** Where everything goes that is not a word count. */
export function tasksRoutingKey({ prefix }: Settings): string {
  return `${prefix}.tasks`;
}

/** Queues are named as the keys that they are bound with. */
export function queueNames(settings: Settings): string[] {
  return [wordsRoutingKey(settings), tasksRoutingKey(settings)];
}

const ROLES = { both: 'both', sender: 'publisher', worker: 'worker' } as const satisfies Record<Role, ServerConfig['role']>;

/** The whole configuration of the dispatcher. The broker is a URL; nothing else depends on which one it is. */
export function dispatcherConfig(settings: Settings): ServerConfig {
  const words = wordsRoutingKey(settings);
  const tasks = tasksRoutingKey(settings);
  return {
    broker: settings.broker,
    exchange: settings.prefix,
    defaultRoutingKey: tasks,
    role: ROLES[settings.role],
    // Short, because an HTTP request waits for it.
    publishTimeoutSeconds: 10,
    middleware: { run: [TimingMiddleware] },
    threads: { module: require.resolve('./tasks/thread.module'), size: 1 },
    workers: [
      { name: 'counter-1', queue: words, bindingKeys: [words], limit: 4, tasks: ['count_words'] },
      { name: 'counter-2', queue: words, bindingKeys: [words], limit: 4, tasks: ['count_words'] },
      { name: 'general', queue: tasks, bindingKeys: [tasks], priorities: true },
    ],
  };
}
