import { Inject, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { DispatcherModule, DispatcherService, Task, TaskContext, chain, task } from '../../lib/index.js';
import { DispatcherOutbox, DispatcherOutboxModule, type OutboxDatabase, type OutboxOptions } from '../../lib/outbox/index.js';
import { KeptLog } from './nest-app.js';
import { oneWorker } from './nest-on-broker.js';
import { sharedRabbitMqUrl } from './shared-rabbitmq.js';
import { onTestFinished } from './test-end.js';
import { Arrivals, eventually } from './wait.js';

/** A database in which there is a table `charges` with an `amount`. */
export interface OutboxPlace<Transaction> {
  readonly database: OutboxDatabase<Transaction>;
  /** Runs the work in a transaction as an application makes it. */
  inTransaction(work: (transaction: Transaction) => Promise<void>, end?: 'COMMIT' | 'ROLLBACK'): Promise<void>;
}

const DATABASE = Symbol('the database of the tasks');

@Injectable()
class Tasks {
  readonly ran = new Arrivals<string>();
  readonly charged = new Arrivals<string>();
  constructor(private readonly outbox: DispatcherOutbox, private readonly dispatcher: DispatcherService, @Inject(DATABASE) private readonly database: OutboxDatabase<unknown>) {}

  @Task('note') note(text: string): string {
    this.ran.add(text);
    return text.toUpperCase();
  }

  @Task('charge', { inbox: true, retry: { attempts: 3, delaySeconds: 0.1, jitter: 0 } }) async charge(amount: number, @TaskContext() { attempt }: TaskContext): Promise<void> {
    await this.database.queryIn(this.outbox.transaction, 'INSERT INTO charges (amount) VALUES ($1)', [amount]);
    await this.dispatcher.publish('note', `charged ${amount}`);
    this.charged.add(`${amount} ${attempt}`);
    if (attempt < 2) throw new Error('not yet');
  }
}

let count = 0;

export const text = (value: string) => [{ type: 'string' as const, value }];

export async function startOutbox<Transaction>(database: OutboxDatabase<Transaction>, options: Partial<OutboxOptions<Transaction>> = {}) {
  const log = new KeptLog();
  const tablePrefix = options.tablePrefix ?? `d${++count}`;
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({ logger: log, ...oneWorker(sharedRabbitMqUrl(), 'outbox') }), DispatcherOutboxModule.forRoot({ database, tablePrefix, ...options })],
    providers: [Tasks, { provide: DATABASE, useValue: database }],
  }).setLogger(log).compile();
  const outbox = module.get(DispatcherOutbox<Transaction>);
  await outbox.createTables();
  const app = await module.init();
  onTestFinished(() => app.close());
  return { app, outbox, service: app.get(DispatcherService), tasks: app.get(Tasks), log, tablePrefix };
}

/** What holds on every database. */
export function outboxContract<Transaction>(place: () => OutboxPlace<Transaction>): void {
  it('sends what is committed, and nothing of what is rolled back', async () => {
    const { outbox, service, tasks } = await startOutbox(place().database);
    await place().inTransaction((client) => outbox.within(client, async () => {
      await service.publish('note', 'rolled back');
    }), 'ROLLBACK');
    await place().inTransaction(async (client) => {
      await outbox.within(client, async () => {
        await service.publish('note', 'committed');
        await service.publishMany([{ name: 'note', args: text('and this') }, { name: 'note', args: text('and that') }]);
      });
      expect(tasks.ran.all).toEqual([]);
    });
    await tasks.ran.count(3);
    await eventually(() => outbox.lag(), ({ waiting }) => waiting === 0, 'the outbox to be empty');
    expect(tasks.ran.all.toSorted()).toEqual(['and that', 'and this', 'committed']);
  });

  it('keeps what a task says beside its arguments: when it is due, its result, its headers, its unique key', async () => {
    const { outbox, service, tasks } = await startOutbox(place().database);
    let result: Promise<unknown> = Promise.resolve();
    await place().inTransaction((client) => outbox.within(client, async () => {
      const published = await service.publish({ name: 'note', args: text('late'), delaySeconds: 0.5, result: true });
      result = published.result();
      await service.publish({ name: 'note', args: text('once'), unique: { scope: 'window', seconds: 60, key: 'k' } });
      await service.publish({ name: 'note', args: text('once'), unique: { scope: 'window', seconds: 60, key: 'k' } });
    }));
    expect(await result).toBe('LATE');
    await tasks.ran.count(2);
    await eventually(() => outbox.lag(), ({ waiting }) => waiting === 0, 'the outbox to be empty');
    expect(tasks.ran.all.toSorted()).toEqual(['late', 'once']);
  });

  it('refuses at publish what cannot travel, and what cannot be kept', async () => {
    const { outbox, service } = await startOutbox(place().database);
    await place().inTransaction((client) => outbox.within(client, async () => {
      await expect(service.publish('note', () => 1)).rejects.toThrow('argument');
      await expect(service.publish({ name: 'note', args: text('a'), unique: { scope: 'untilStarted', replaceArguments: true } })).rejects.toThrow('replaceArguments');
      await expect(service.publish(chain(task('note', 'a'), task('note')))).rejects.toThrow('cannot be kept');
    }), 'ROLLBACK');
    expect(() => outbox.transaction).toThrow('There is no transaction here');
  });

  it('sends tasks of one key in the order of their transactions', async () => {
    const { outbox, service, tasks } = await startOutbox(place().database, { orderBy: ({ args: [first] }) => String(first?.value).split(' ')[0] });
    for (let index = 0; index < 60; index++) {
      await place().inTransaction((client) => outbox.within(client, async () => { await service.publish('note', `${index % 3} ${index}`); }));
    }
    await tasks.ran.count(60);
    for (const key of ['0', '1', '2']) {
      const numbers = tasks.ran.all.filter((each) => each.startsWith(`${key} `)).map((each) => Number(each.split(' ')[1]));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      expect(numbers).toHaveLength(20);
    }
  });

  it('waits for a queue that is not there, holds up those behind it that have its key, and nobody else', async () => {
    const { outbox, service, tasks, log } = await startOutbox(place().database, { pollSeconds: 0.2 });
    await place().inTransaction(async (client) => {
      await outbox.within(client, async () => {
        await service.publish({ name: 'note', args: text('nowhere'), routingKey: 'nowhere' });
        await service.publish('note', 'behind');
      }, { orderBy: 'account' });
      await outbox.within(client, async () => { await service.publish('note', 'other'); });
    });
    await tasks.ran.count(1);
    await eventually(() => outbox.lag(), ({ failing }) => failing === 1, 'a task to have failed');
    expect(tasks.ran.all).toEqual(['other']);
    expect(await outbox.failing()).toMatchObject([{ name: 'note', tries: 1, error: expect.stringContaining('nowhere') as string }]);
    expect(log.of('error').join()).toContain('waits in the outbox');
    await service.createWorker({ name: 'w2', queue: `${service.destination.exchange}.other`, bindingKeys: ['nowhere'] }).then((worker) => worker.start());
    await tasks.ran.count(3);
    expect(tasks.ran.all).toEqual(['other', 'nowhere', 'behind']);
  });

  it('records that a task has run with its effect, so that the effect happens once', async () => {
    const { service, tasks, outbox, tablePrefix } = await startOutbox(place().database);
    const uuid = 'one-charge';
    await service.publish({ name: 'charge', uuid, args: [{ type: 'int', value: 5 }] });
    await tasks.ran.count(1);
    // Its first attempt was rolled back, with what it had published.
    expect(tasks.charged.all).toEqual(['5 1', '5 2']);
    expect(tasks.ran.all).toEqual(['charged 5']);
    await service.publish({ name: 'charge', uuid, args: [{ type: 'int', value: 5 }] });
    await service.publish('note', 'after it');
    await tasks.ran.count(2);
    expect(tasks.charged.all).toHaveLength(2);
    expect(await place().database.query('SELECT amount FROM charges', [])).toEqual([{ amount: 5 }]);
    // Text or bytes, as the database has it.
    expect((await place().database.query(`SELECT uuid FROM ${tablePrefix}_inbox`, [])).map((row) => String(row.uuid))).toEqual([uuid]);
    await eventually(() => outbox.lag(), ({ waiting }) => waiting === 0, 'the outbox to be empty');
  });
}

interface Opened<Transaction> {
  readonly database: OutboxDatabase<Transaction>;
  /** The work in a transaction as users of the library make it. */
  run(work: (transaction: Transaction) => Promise<void>): Promise<unknown>;
  end(): Promise<unknown>;
}

/** By a library whose own transactions commit and roll back. */
export async function worksInTransactions<Transaction>({ database, run, end }: Opened<Transaction>): Promise<void> {
  onTestFinished(async () => { await end(); });
  const { outbox, service, tasks } = await startOutbox(database, { pollSeconds: 0.1 });
  await run((transaction) => outbox.within(transaction, async () => { await service.publish('note', 'committed'); }));
  await expect(run((transaction) => outbox.within(transaction, async () => {
    await service.publish('note', 'rolled back');
    throw new Error('no');
  }))).rejects.toThrow('no');
  await run((transaction) => outbox.within(transaction, async () => { await service.publish({ name: 'note', args: text('nowhere'), routingKey: 'nowhere' }); }));
  await tasks.ran.count(1);
  await eventually(() => outbox.lag(), ({ failing, waiting }) => failing === 1 && waiting === 1, 'one to be sent, and one to fail');
  expect(tasks.ran.all).toEqual(['committed']);
  // The inbox: its first attempt fails and is rolled back, and what comes again has no effect.
  const charge = { name: 'charge', uuid: crypto.randomUUID(), args: [{ type: 'int' as const, value: 5 }] };
  await service.publish(charge);
  await tasks.charged.count(2);
  await service.publish(charge);
  await service.publish({ name: 'note', args: text('after it') });
  await tasks.ran.first((ran) => ran === 'after it', 'what was published after it');
  expect(tasks.charged.all).toEqual(['5 1', '5 2']);
  await eventually(() => tasks.ran.all.filter((ran) => ran === 'charged 5').length, (times) => times === 1, 'what it has published, once');
}
