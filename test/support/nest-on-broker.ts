import type { INestApplicationContext, ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { DispatcherModule, DispatcherService, type ServerConfig, type WorkerConfig } from '../../lib/index.js';
import { removeExchange } from './amqp-clean-up.js';
import { KeptLog } from './nest-app.js';
import { sharedRabbitMqUrl, uniqueName } from './shared-rabbitmq.js';
import { hasRedis, sharedRedisUrl } from './shared-redis.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';
import { onTestFinished } from './test-end.js';

/** RabbitMQ, and a folder of each test's own: for `describe.each`, as a title and what gives the URL within a test. */
export function bothBrokers(purpose: string): [title: string, url: () => string][] {
  return [['amqp', sharedRabbitMqUrl], ['embedded', () => embeddedFolder(purpose)]];
}

/** The same, and Redis where there is one. */
export function everyBroker(purpose: string): [title: string, url: () => string][] {
  return [...bothBrokers(purpose), ...redisBroker()];
}

/** Redis where there is one, for lists of brokers. */
export function redisBroker(): [title: string, url: () => string][] {
  return hasRedis() ? [['redis', sharedRedisUrl]] : [];
}

/** Not another broker, nor one of the test's own. */
export function isRabbitMq({ broker }: Pick<ServerConfig, 'broker'>): boolean {
  return typeof broker === 'string' && broker.startsWith('amqp');
}

/** The URL of a durable embedded broker that is removed at the end of the test. */
export function embeddedFolder(purpose: string): string {
  const folder = temporaryFolder(purpose);
  onTestFinished(() => removeFolder(folder));
  return `embedded:${folder}`;
}

/**
 * An exchange and a queue of the test's own. At its end they are removed, with the queues beside `queue` that are named
 * by their endings: `high` stands for `<queue>.high`.
 */
export function ownQueue(broker: string, purpose: string, beside: readonly string[] = []): { exchange: string; queue: string } {
  const exchange = uniqueName(purpose);
  const queue = `${exchange}.q`;
  if (broker.startsWith('amqp')) onTestFinished(() => removeExchange(broker, exchange, [queue, ...beside.map((name) => `${queue}.${name}`)]));
  return { exchange, queue };
}

/** A dispatcher with one worker `w` that runs one task at a time. */
export function oneWorker(broker: string, purpose: string): ServerConfig & { broker: string; workers: [WorkerConfig] } {
  const { exchange, queue } = ownQueue(broker, purpose);
  return { broker, exchange, defaultRoutingKey: 'key', shutdownTimeoutSeconds: 10, workers: [{ name: 'w', queue, bindingKeys: ['key'], limit: 1 }] };
}

/** A Nest application on a real broker, started; closed at the end of the test. */
export async function startOn(config: ServerConfig, metadata: ModuleMetadata = {}): Promise<{ app: INestApplicationContext; service: DispatcherService }> {
  const imports = [...metadata.imports ?? [], DispatcherModule.forRoot({ logger: new KeptLog(), ...config })];
  const module = await Test.createTestingModule({ ...metadata, imports }).compile();
  const app = await module.init();
  onTestFinished(() => app.close());
  return { app, service: app.get(DispatcherService) };
}
