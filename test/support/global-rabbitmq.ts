import type { TestProject } from 'vitest/node';
import { startRabbitMq, type RabbitMqNode } from './rabbitmq.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A RabbitMQ that every test may use and none may stop. See `shared-rabbitmq.ts`. */
    sharedRabbitMqUrl: string;
  }
}

/** Vitest loads this file once for each project; the server must be one for all of them. */
interface SharedNode { users: number; node?: Promise<RabbitMqNode> }
const KEY = Symbol.for('nestjs-dispatcher.test.shared-rabbitmq');
const shared = ((globalThis as Record<symbol, unknown>)[KEY] ??= { users: 0 }) as SharedNode;

/** Starts one RabbitMQ for all test files, unless DISPATCHER_AMQP_CON names another. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.DISPATCHER_AMQP_CON;
  if (given !== undefined && given !== '') {
    project.provide('sharedRabbitMqUrl', given);
    return async () => undefined;
  }
  shared.users++;
  shared.node ??= startRabbitMq();
  project.provide('sharedRabbitMqUrl', (await shared.node).url);
  return async () => {
    if (--shared.users > 0) return;
    const node = await shared.node;
    delete shared.node;
    await node?.stop();
  };
}
