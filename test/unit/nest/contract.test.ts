import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Arg, contractText, DispatcherModule, readContract, Task, TaskContext, Tasks, TaskUuid, type Parsed } from '../../../lib/index.js';
import { startApp } from '../../support/nest-app.js';

const Order = z.object({ id: z.int() });

@Injectable()
@Tasks({ queue: 'mail' })
class MailTasks {
  @Task('mail.send', { description: 'Sends a mail.', timeoutSeconds: 5, retry: { attempts: 3, retryIf: () => true }, unique: { scope: 'untilFinished', key: () => 'x' }, limits: { global: 2 } })
  send(_to: string, _count = 1, @TaskContext() _context?: TaskContext): void { return; }

  @Task('mail.digest', { routingKey: 'digests', taskUuidAsFirstArg: true, deprecated: 'publish mail.send' })
  digest(_uuid: string, _to: string): void { return; }
}

@Injectable()
class OrderTasks {
  @Task('order.ship', { schema: Order, resultSchema: z.object({ at: z.string() }), result: true })
  ship(_order: Parsed<typeof Order>, @TaskUuid() _uuid: string): object { return { at: '' }; }

  @Task('order.bill')
  bill(@Arg(1, { schema: z.string().optional() }) _reason: string, @Arg(0) _id: bigint): void { return; }
}

const WORKERS = [{ name: 'orders', queue: 'orders', bindingKeys: ['orders'] }, { name: 'mails', queue: 'mail', priorities: true }];

describe('the contract of an application', () => {
  it('tells names, arguments, results, queues and options of its tasks, whether they run here or not', async () => {
    const { service } = await startApp({ providers: [MailTasks, OrderTasks] }, { exchange: 'shop', defaultRoutingKey: 'orders', role: 'publisher', workers: WORKERS });
    const contract = service.contract({ title: 'Shop', version: '2.0.0' });
    expect(contract).toEqual({
      title: 'Shop', version: '2.0.0', exchange: 'shop',
      tasks: [
        {
          name: 'mail.digest', version: 1, deprecated: 'publish mail.send', routingKey: 'digests', queue: 'mail', moreArguments: true, options: { priorities: true },
          arguments: [{ name: '_to', schema: { type: 'string' }, types: ['string'] }],
        },
        {
          name: 'mail.send', version: 1, description: 'Sends a mail.', routingKey: 'mail', queue: 'mail',
          arguments: [{ name: '_to', schema: { type: 'string' }, types: ['string'] }, { name: '_count', required: false, schema: true }], moreArguments: true,
          options: { timeoutSeconds: 5, retry: { attempts: 3 }, unique: { scope: 'untilFinished' }, limits: { global: 2 }, priorities: true },
        },
        {
          name: 'order.bill', version: 1, routingKey: 'orders', queue: 'orders', moreArguments: true, options: {},
          arguments: [{ name: '_id', schema: { type: 'integer', format: 'int64' }, types: ['int64'] }, { name: '_reason', required: false, schema: { type: 'string' }, types: ['string'] }],
        },
        {
          name: 'order.ship', version: 1, routingKey: 'orders', queue: 'orders', moreArguments: true, options: { result: true },
          arguments: [{ name: '_order', required: true, types: ['json'], schema: expect.objectContaining({ type: 'object', required: ['id'] }) as object }],
          result: { type: 'object', properties: { at: { type: 'string' } }, required: ['at'] },
        },
      ],
    });
    expect(readContract(contractText(contract, 'yaml'))).toEqual(contract);
  });

  it('tells what is given to createWorker, and what a feature names without providing it', async () => {
    const { service } = await startApp({ imports: [DispatcherModule.forFeature({ tasks: [MailTasks] })] }, { workers: [] });
    await service.createWorker({ name: 'w', queue: 'q', bindingKeys: ['q.key'] }, { add: { function: (a: number, b: number) => a + b, schema: [z.int(), z.int()], description: 'Adds.' } });
    const { title, tasks } = service.contract();
    expect(title).toBe('tasks');
    expect(tasks.map(({ name }) => name)).toEqual(['add', 'mail.digest', 'mail.send']);
    expect(tasks[0]).toMatchObject({ description: 'Adds.', routingKey: 'q.key', queue: 'q', arguments: [{ types: ['int'] }, { types: ['int'] }], moreArguments: false });
  });

  it('refuses what it is called', async () => {
    const { service } = await startApp({}, { workers: [] });
    expect(() => service.contract({ title: '' })).toThrow(/title of contract must be a text/);
    expect(() => service.contract({ name: 'x' } as object)).toThrow(/contract has no option "name"/);
  });
});
