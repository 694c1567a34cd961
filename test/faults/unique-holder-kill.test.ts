import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { DispatcherModule, DispatcherService, type PublishedTask } from '../../lib/index.js';
import { createBroker } from '../../lib/dispatcher/create-broker.js';
import { resolveConfig } from '../../lib/dispatcher/config/resolve-config.js';
import { Ledger } from '../support/ledger.js';
import { KeptLog } from '../support/nest-app.js';
import { onTestFinished } from '../support/test-end.js';
import { eventually } from '../support/wait.js';
import { FaultApp } from './apps/fault-app.js';
import { onBothBrokers } from './apps/on-both-brokers.js';
import { plan } from './apps/plan.js';

onBothBrokers('a task that holds a key while its worker is killed', (brokerUrl) => {
  async function start() {
    const { publisher, worker, queue } = plan(brokerUrl(), 'unique-holder');
    const module = await Test.createTestingModule({ imports: [DispatcherModule.forRoot({ ...publisher, logger: new KeptLog() })] }).compile();
    const app = await module.init();
    onTestFinished(() => app.close());
    const service = app.get(DispatcherService);
    const ledger = new Ledger();
    const startWorker = async (name: string): Promise<FaultApp> => {
      const one = await FaultApp.start(worker(name), ledger);
      onTestFinished(() => one.kill9());
      return one;
    };
    const publish = (seconds: number): Promise<PublishedTask> => service.publish({ name: 'hold', unique: { scope: 'untilFinished', key: 'k', seconds } });
    /** Removes what waits without a word to the dispatcher, whose own purge would free the key. */
    const losesQueue = async (): Promise<number> => {
      const broker = createBroker(resolveConfig(publisher), 'loses-queue');
      await broker.connect();
      try {
        return await broker.purge(queue);
      } finally {
        await broker.close(5_000);
      }
    };
    return { ledger, startWorker, publish, losesQueue };
  }

  it('holds it until another worker has finished it, and is the only one to free it', async () => {
    const { ledger, startWorker, publish } = await start();
    const first = await startWorker('first');
    const holder = await publish(300);
    expect(holder.unique).toEqual({ taken: true });
    await ledger.until(() => ledger.started.get(holder.uuid) === 1, 20_000, 'the start');
    await first.kill9();
    expect(await publish(300)).toMatchObject({ uuid: holder.uuid, unique: { taken: false, uuid: holder.uuid } });
    const second = await startWorker('second');
    await ledger.until(() => ledger.started.get(holder.uuid) === 2, 60_000, 'the second start');
    expect((await publish(300)).unique).toMatchObject({ taken: false });
    second.tell({ do: 'release' });
    await ledger.until(() => ledger.finished.has(holder.uuid), 20_000, 'the end');
    const next = await eventually(() => publish(300), ({ unique }) => unique?.taken === true, 'the key to be free');
    expect(next.uuid).not.toBe(holder.uuid);
  });

  it('does not hold it for ever when the task never comes back', async () => {
    const { publish, losesQueue } = await start();
    const holder = await publish(10);
    expect(await losesQueue()).toBe(1);
    expect((await publish(10)).unique).toMatchObject({ taken: false, uuid: holder.uuid });
    await eventually(() => publish(10), ({ unique }) => unique?.taken === true, 'the key to expire', { limitMs: 60_000 });
  });
});
