import { describe, expect, it } from 'vitest';
import type { DispatcherService, QueueType, ServerConfig } from '../../lib/index.js';
import { embeddedFolder, ownQueue, startOn } from '../support/nest-on-broker.js';
import { Ledger } from '../support/ledger.js';
import { itemAt } from '../support/present.js';
import { sharedRabbitMqUrl } from '../support/shared-rabbitmq.js';
import { Arrivals, eventually, Signal } from '../support/wait.js';

/** Far shorter than what the tasks need to find their worker, or to wait for it: only who is known keeps them alive. */
const GRACE_SECONDS = 1;
const EACH = 5;

const BROKERS: [string, () => string, QueueType][] = [
  ['amqp, classic', sharedRabbitMqUrl, 'classic'], ['amqp, quorum', sharedRabbitMqUrl, 'quorum'], ['embedded', () => embeddedFolder('mixed'), 'classic'],
];

interface Place { readonly config: ServerConfig; readonly queue: string; readonly type: QueueType }

function placeOn(broker: string, type: QueueType): Place {
  const { exchange, queue } = ownQueue(broker, 'mixed');
  return { queue, type, config: { broker, exchange, defaultRoutingKey: 'key', shutdownTimeoutSeconds: 10, initQueues: [{ name: queue, bindingKeys: ['key'], type }] } };
}

/** A process with one worker that knows one task. */
async function processWith({ config, queue, type }: Place, name: string, run: (uuid: string) => unknown, limit?: number): Promise<DispatcherService> {
  const { service } = await startOn(config);
  const worker = await service.createWorker({ name: `of-${name}`, queue, type, unknownTaskGraceSeconds: GRACE_SECONDS, limit }, { [name]: { function: run, taskUuidAsFirstArg: true } });
  await worker.start();
  return service;
}

describe.concurrent.each(BROKERS)('workers with different tasks on one queue, %s', (_title, url, type) => {
  it.each([2, 6])('each of %i gets its own, and none dies', async (count) => {
    const place = placeOn(url(), type);
    const ledger = new Ledger();
    const finished = (uuid: string): void => ledger.add({ kind: 'finished', uuid });
    const services: DispatcherService[] = [];
    for (let i = 0; i < count; i++) services.push(await processWith(place, `task_${i}`, finished));
    for (const service of services) service.events({ type: 'task.dead-lettered' }).subscribe(({ task, reason }) => ledger.add({ kind: 'dead', uuid: task.uuid, reason }));
    for (let i = 0; i < count * EACH; i++) {
      const uuid = `${place.config.exchange}-${i}`;
      await ledger.offer(uuid, () => itemAt(services, 0).publish({ uuid, name: `task_${i % count}` }));
    }
    await eventually(() => ledger.lost().length, (lost) => lost === 0, 'every task to end', { limitMs: 120_000 });
    expect([...ledger.dead]).toEqual([]);
    expect(ledger.finished.size).toBe(count * EACH);
  }, 150_000);

  it('a task waits for the worker that knows it, busy for longer than the grace', async () => {
    const place = placeOn(url(), type);
    const ran = new Arrivals<string>();
    const release = new Signal();
    const other = await processWith(place, 'other', () => undefined);
    const passed = new Arrivals<number>();
    const dead = new Arrivals<unknown>();
    other.events({ type: 'task.returned' }).subscribe(({ pauseMs }) => passed.add(pauseMs));
    other.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
    await processWith(place, 'slow', async (uuid) => {
      ran.add(uuid);
      await release.promise;
    }, 1);
    await other.publish({ name: 'slow', uuid: `${place.queue}-1` });
    await ran.count(1, 60_000);
    await other.publish({ name: 'slow', uuid: `${place.queue}-2` });
    // Its own worker holds one at a time, so that this one comes to the other again and again.
    await eventually(() => passed.all.reduce((sum, pauseMs) => sum + pauseMs, 0), (sum) => sum > GRACE_SECONDS * 4_000, 'the grace to be over several times', { limitMs: 60_000 });
    expect(dead.all).toEqual([]);
    release.fire();
    await ran.count(2, 60_000);
  }, 150_000);

  it('a name that nobody takes is a dead letter all the same', async () => {
    const place = placeOn(url(), type);
    const one = await processWith(place, 'one', () => undefined);
    const two = await processWith(place, 'two', () => undefined);
    const dead = new Arrivals<string>();
    for (const service of [one, two]) service.events({ type: 'task.dead-lettered' }).subscribe(({ reason }) => dead.add(reason));
    await one.publish('nobody');
    expect(await dead.count(1, 60_000)).toEqual(['unknown-task']);
  }, 90_000);
});
