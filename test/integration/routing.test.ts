import { Module } from '@nestjs/common';
import { onTestFinished, describe, expect, it } from 'vitest';
import { chain, currentTask, DispatcherModule, task, Task, Tasks } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { bothBrokers, embeddedFolder, ownQueue, startOn } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { Arrivals, eventually } from '../support/wait.js';

const ran = new Arrivals<{ name: string; uuid: string }>();
const note = (): void => {
  const { name, uuid } = currentTask() as { name: string; uuid: string };
  ran.add({ name, uuid });
};

describe.each(bothBrokers('routing'))('where a task goes, on %s', (kind, url) => {
  it('is where its class says, from a publisher that provides no handler, through a feature and a workflow', async () => {
    const broker = url();
    const { exchange, queue } = ownQueue(broker, 'routing');
    const mail = `${exchange}.mail`;
    if (kind === 'amqp') onTestFinished(() => removeExchange(broker, exchange, [mail]));

    @Tasks({ queue: mail })
    class MailTasks { @Task('mail.send') send(): void { note(); } }
    class OtherTasks { @Task('other') other(): void { note(); } }
    @Module({ imports: [DispatcherModule.forFeature({ workers: [{ name: 'mailer', queue: mail, tasks: ['mail.send'] }] })], providers: [MailTasks] })
    class MailModule {}
    @Module({ imports: [DispatcherModule.forFeature({ initQueues: [{ name: mail }], tasks: [MailTasks] })] })
    class MailContract {}

    const common = { broker, exchange, defaultRoutingKey: 'key' };
    const others = { name: 'others', queue, bindingKeys: ['key'], tasks: ['other'], unknownTaskGraceSeconds: 0 };
    const { service: publisher } = await startOn({ ...common, role: 'publisher', initQueues: [{ name: queue, bindingKeys: ['key'] }] }, { imports: [MailContract] });
    // Before any worker was there: the queue is bound by the publisher.
    const { uuid } = await publisher.publish('mail.send');
    const client = await publisher.client(MailTasks).send();
    // It knows nothing of mail, and publishes the second step all the same.
    await startOn({ ...common, workers: [others] }, { providers: [OtherTasks] });
    await startOn(common, { imports: [MailModule] });
    await ran.first((run) => run.uuid === uuid, 'the task that was published by name');
    await ran.first((run) => run.uuid === client.uuid, 'the task of the client');
    const before = ran.all.length;
    await publisher.publish(chain(task('other'), task('mail.send')));
    await ran.count(before + 2);
    expect(ran.all.slice(before).map(({ name }) => name)).toEqual(['other', 'mail.send']);
    expect(await publisher.depth(`${queue}.dead`)).toBe(0);
  });
});

describe('two applications on one queue', () => {
  it.each(['classic', 'quorum'] as const)('are told of at the start of the second, which works all the same (%s)', async (type) => {
    const broker = sharedRabbitMqUrl();
    const queue = uniqueName('two-apps');
    const [first, second] = [`${queue}.a`, `${queue}.b`];
    onTestFinished(async () => { for (const exchange of [first, second]) await removeExchange(broker, exchange, [queue]); });
    class FailingTasks { @Task('fails') fails(): void { throw new Error('on purpose'); } }
    const config = (exchange: string, log: KeptLog) => ({ broker, exchange, defaultRoutingKey: exchange, logger: log, workers: [{ name: 'w', queue, type, bindingKeys: [exchange] }] });
    const logs = [new KeptLog(), new KeptLog()] as const;
    const { app } = await startOn(config(first, logs[0]), { providers: [FailingTasks] });
    expect(logs[0].of('warn')).toEqual([]);
    // So that the task goes to the second one.
    await app.close();
    const { service } = await startOn(config(second, logs[1]), { providers: [FailingTasks] });
    expect(logs[1].of('warn')).toEqual([expect.stringContaining(`Queue "${queue}.dead" belongs to an application on the exchange "${first}", and this one is on "${second}"`)]);
    await service.publish('fails');
    await eventually(() => service.depth(`${queue}.dead`), (depth) => depth === 1, 'the dead letter');
  });

  it('are told of on an embedded broker too: in one folder, and in memory', async () => {
    for (const broker of [embeddedFolder('two-apps'), `embedded:#${uniqueName('two-apps')}`]) {
      const [logs, queue] = [[new KeptLog(), new KeptLog()] as const, 'mail'];
      for (const [index, exchange] of ['a', 'b'].entries()) {
        await startOn({ broker, exchange, defaultRoutingKey: exchange, logger: logs[index] as KeptLog, initQueues: [{ name: queue, bindingKeys: [exchange] }], role: 'publisher' });
      }
      expect(logs[0].of('warn')).toEqual([]);
      expect(logs[1].of('warn')).toEqual([expect.stringContaining('Queue "mail" belongs to an application on the exchange "a", and this one is on "b"')]);
    }
  });
});
