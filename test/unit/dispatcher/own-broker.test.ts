import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { checkOwnBroker, makeOwnBroker } from '../../../lib/dispatcher/config/own-broker.js';
import { resolveConfig } from '../../../lib/dispatcher/config/resolve-config.js';
import { type Broker, type BrokerSettings, chain, chord, ConfigurationError, type DispatcherService, type ServerConfig, Task, task, TaskContext } from '../../../lib/index.js';
import { startOn } from '../../support/nest-on-broker.js';
import { OwnBroker } from '../../support/own-broker/own-broker.js';
import { eventually } from '../../support/wait.js';

@Injectable()
class Tasks {
  readonly attempts: number[] = [];

  @Task('add') add(...numbers: number[]): number { return numbers.reduce((sum, one) => sum + one, 0); }
  @Task('sum') sum(numbers: number[]): number { return numbers.reduce((sum, one) => sum + one, 0); }
  @Task('stubborn', { retry: { attempts: 3, delaySeconds: 0.05 } }) stubborn(@TaskContext() { attempt }: TaskContext): string {
    this.attempts.push(attempt);
    if (attempt < 3) throw new Error('not yet');
    return `attempt ${attempt}`;
  }
  @Task('breaks', { retry: { attempts: 2, delaySeconds: 0.05 } }) breaks(@TaskContext() { attempt }: TaskContext): never {
    this.attempts.push(attempt);
    throw new Error('broken');
  }
}

const SETTINGS: BrokerSettings = { exchange: 'e', dispatcher: 'd', publishTimeoutMs: 1, takeoverMs: 1, reconnection: { retries: 'forever' } };

describe('a broker of the application\'s own', () => {
  const config = (broker: NonNullable<ServerConfig['broker']>): ServerConfig => ({
    broker, resultBackend: `embedded:#${randomUUID()}`, exchange: 'own', defaultRoutingKey: 'key', shutdownTimeoutSeconds: 10, workers: [{ name: 'w', queue: 'own.q', bindingKeys: ['key'], limit: 4 }],
  });
  const start = async (broker = new OwnBroker('own')): Promise<{ broker: OwnBroker; service: DispatcherService; tasks: Tasks; close: () => Promise<void> }> => {
    const { app, service } = await startOn(config(broker), { providers: [Tasks] });
    return { broker, service, tasks: app.get(Tasks), close: () => app.close() };
  };

  it('carries tasks, delays, retries and results, is connected with the application and closed with it', async () => {
    const { broker, service, tasks, close } = await start();
    expect(broker.state.status).toBe('ready');
    expect(await (await service.publish('add', { args: [1, 2], result: true })).result()).toBe(3);
    const begun = Date.now();
    expect(await (await service.publish('add', { args: [4, 5], result: true, delaySeconds: 0.3 })).result()).toBe(9);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(300);
    expect(await (await service.publish('stubborn', { args: [], result: true })).result()).toBe('attempt 3');
    expect(tasks.attempts).toEqual([1, 2, 3]);
    await close();
    expect(broker.state.status).toBe('closed');
  });

  it('carries workflows, whose state is in the result backend', async () => {
    const { service } = await start();
    expect(await (await service.publish(chain(task('add', 1, 2), task('add', 10)))).result()).toBe(13);
    expect(await (await service.publish(chord([task('add', 1, 2), task('add', 3, 4)], task('sum')))).result()).toBe(10);
  });

  it('keeps dead letters, to be read and replayed, and what is paused', async () => {
    const { service, tasks } = await start();
    const { uuid } = await service.publish('breaks');
    const { letters } = await eventually(() => service.deadLetters.list('own.q'), ({ total }) => total === 1, 'the dead letter');
    expect(letters).toMatchObject([{ uuid, reason: 'failed' }]);
    expect(await service.deadLetters.replay('own.q', uuid)).toBe(true);
    await eventually(() => service.deadLetters.list('own.q'), ({ total }) => total === 1 && tasks.attempts.length > 2, 'it to be dead again');
    expect(tasks.attempts.slice(0, 2)).toEqual([1, 2]);
    await service.pause({ queue: 'own.q' }, { by: 'ada', reason: 'a test' });
    await service.publish('add', 1, 2);
    await eventually(() => service.depth('own.q'), (depth) => depth === 1, 'it to wait');
    expect(await service.paused()).toMatchObject([{ kind: 'queue', name: 'own.q', by: 'ada' }]);
    await service.resume({ queue: 'own.q' });
    await eventually(() => service.depth('own.q'), (depth) => depth === 0, 'it to run');
  });

  it('can be looked into, and keeps what was delayed and has no queue', async () => {
    const { service } = await start();
    await service.publish('add', 1, 2);
    const { processes, queues } = await eventually(() => service.inspect.overview({ timeoutMs: 300 }), ({ queues: { queues: [one] } }) => one?.history[0]?.succeeded === 1 && one.waiting === 0, 'it to have ended');
    expect(processes).toMatchObject([{ status: 'alive', workers: [{ name: 'w', totals: { succeeded: 1 } }] }]);
    expect(queues.queues).toMatchObject([{ name: 'own.q', waiting: 0, consumers: 1 }]);
    await service.publish({ name: 'add', args: [], routingKey: 'nowhere', delaySeconds: 0.05 });
    await eventually(() => service.inspect.queues({ timeoutMs: 300 }), ({ undelivered }) => undelivered === 1, 'it to be kept');
  });

  it('is made for a dispatcher by what it is given', async () => {
    const made: BrokerSettings[] = [];
    const { service } = await startOn({ ...config((settings) => { made.push(settings); return new OwnBroker(settings.exchange); }), publishTimeoutSeconds: 7, reconnectionRetries: 5 }, { providers: [Tasks] });
    expect(made).toEqual([{ exchange: 'own', dispatcher: 'default', publishTimeoutMs: 7_000, takeoverMs: 30_000, reconnection: { retries: 5 } }]);
    expect(await (await service.publish('add', { args: [1, 2], result: true })).result()).toBe(3);
  });

  it('needs a place for what processes remember together', () => {
    const { resultBackend: _none, ...bare } = config(new OwnBroker('own'));
    expect(() => resolveConfig(bare)).toThrow(/say in resultBackend where results, limits, unique keys, schedules and workflows are kept/);
    expect(() => resolveConfig({ ...bare, resultBackend: 'amqp' })).toThrow(/the broker is not RabbitMQ/);
    expect(() => resolveConfig({ ...config(new OwnBroker('own')), tlsConfig: {} })).toThrow(/needs a broker that is reached over a network/);
  });

  it.each<[unknown, RegExp]>([[{}, /lacks connect, declare, publish,.*states, events\./], [{ ...new OwnBroker('e'), connect: 5 }, /lacks connect/], [[], /lacks connect/]])('has all operations; %o is none', (broker, message) => {
    expect(() => checkOwnBroker(broker, 'embedded:')).toThrow(message);
    expect(() => makeOwnBroker(() => broker as Broker, SETTINGS)).toThrow(ConfigurationError);
  });

  it.each([5, true, null])('is neither a URL nor a broker: %o', (broker) => {
    expect(() => resolveConfig({ ...config('embedded:'), broker: broker as unknown as string })).toThrow(/broker must be a URL such as .*, or a Broker of your own/);
  });
});
