import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ClsModule, ClsServiceManager } from 'nestjs-cls';
import { z } from 'zod';
import { carryContext, type CarriedContextOptions, chain, DispatcherModule, DispatcherService, Task, task } from '../../../lib/index.js';
import { DispatcherTesting } from '../../../lib/testing/index.js';
import { KeptLog } from '../../support/nest-app.js';

interface Request { tenant: string; locale?: string | undefined }

const storage = new AsyncLocalStorage<Request>();

@Injectable()
class Tasks {
  readonly seen: (Request | undefined)[] = [];
  failures = 0;
  constructor(private readonly dispatcher: DispatcherService) {}

  @Task('see') see(): string { this.seen.push(storage.getStore()); return 'seen'; }
  @Task('again', { retry: { attempts: 3, delaySeconds: 60 } }) again(): void {
    this.see();
    if (this.failures-- > 0) throw new Error('not yet');
  }
  @Task('parent') async parent(): Promise<void> { await this.dispatcher.publish('see'); }
  @Task('tick', { schedule: { cron: '0 * * * *' } }) tick(): void { this.see(); }
}

async function start(options: Partial<CarriedContextOptions<Request>> = {}) {
  const carried = carryContext<Request>({ read: () => storage.getStore(), run: (values, next) => storage.run(values, next), ...options });
  const testing = new DispatcherTesting({ now: '2026-03-01T00:10:00Z' });
  const module = await testing.override(Test.createTestingModule({
    imports: [DispatcherModule.forRoot({
      exchange: 'e', defaultRoutingKey: 'k', logger: new KeptLog(), workers: [{ name: 'w', queue: 'q', bindingKeys: ['k'] }],
      middleware: { publish: [carried.publish], run: [carried.run] },
    })],
    providers: [Tasks],
  })).compile();
  await module.init();
  onTestFinished(() => module.close());
  return { testing, dispatcher: module.get(DispatcherService), tasks: module.get(Tasks) };
}

const asAcme = <T>(work: () => T): T => storage.run({ tenant: 'acme', locale: 'de' }, work);

describe('a carried context', () => {
  it('goes from the publisher to the handler, and on to what that publishes', async () => {
    const { testing, dispatcher, tasks } = await start();
    await asAcme(() => dispatcher.publish('parent'));
    await dispatcher.publish('see');
    await testing.drain();
    expect(tasks.seen).toHaveLength(2);
    expect(tasks.seen).toEqual(expect.arrayContaining([{ tenant: 'acme', locale: 'de' }, undefined]));
    expect(testing.published('see').map(({ headers }) => headers.context)).toEqual(expect.arrayContaining(['{"tenant":"acme","locale":"de"}', undefined]));
  });

  it('stays with a task through delays and retries', async () => {
    const { testing, dispatcher, tasks } = await start();
    tasks.failures = 2;
    await asAcme(() => dispatcher.publish('again', { args: [], delaySeconds: 600 }));
    await testing.drain({ delayed: true });
    expect(tasks.seen).toEqual(Array(3).fill({ tenant: 'acme', locale: 'de' }));
  });

  it('goes with all steps of a workflow, and with none of the ticks of a schedule', async () => {
    const { testing, dispatcher, tasks } = await start();
    await asAcme(() => dispatcher.publish(chain(task('see'), task('see'), task('see'))));
    await testing.drain();
    expect(tasks.seen).toEqual(Array(3).fill({ tenant: 'acme', locale: 'de' }));
    await asAcme(() => testing.clock.advance({ hours: 1 }));
    expect(tasks.seen.slice(3)).toEqual([undefined]);
  });

  it('is what the publisher has said of the task, where he has', async () => {
    const { testing, dispatcher, tasks } = await start({ header: 'request' });
    await asAcme(() => dispatcher.publish({ name: 'see', headers: { request: '{"tenant":"other"}' } }));
    await testing.drain();
    expect(tasks.seen).toEqual([{ tenant: 'other' }]);
  });

  it.each([['not JSON', '{'], ['a list', '[1]'], ['a number', 5], ['null', 'null'], ['a table', { tenant: 'x' }]])('that is %s is none', async (_what, context) => {
    const { testing, dispatcher, tasks } = await start();
    await dispatcher.publish({ name: 'see', headers: { context } });
    await testing.drain();
    expect(tasks.seen).toEqual([undefined]);
  });

  it('cannot reach a prototype', async () => {
    const { testing, dispatcher, tasks } = await start();
    await dispatcher.publish({ name: 'see', headers: { context: '{"tenant":"x","__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}' } });
    await testing.drain();
    expect(tasks.seen).toEqual([{ tenant: 'x' }]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('is checked by a schema, and asked for, where that is said', async () => {
    const { testing, dispatcher, tasks } = await start({ schema: z.object({ tenant: z.string().min(3) }), missing: 'refuse' });
    await asAcme(() => dispatcher.publish('see'));
    await storage.run({ tenant: 'x' }, () => dispatcher.publish('see'));
    await dispatcher.publish('see');
    expect(await testing.drain()).toMatchObject({ succeeded: 1, failed: 2 });
    expect(tasks.seen).toEqual([{ tenant: 'acme' }]);
    expect((await dispatcher.deadLetters.list('q')).letters.map(({ reason, issues }) => [reason, ...issues ?? []])).toEqual(expect.arrayContaining([
      ['invalid-arguments', expect.stringContaining('3 characters')], ['invalid-arguments', 'it is not there'],
    ]));
  });

  it('is bounded, and has to be what JSON can say', async () => {
    const { testing, dispatcher } = await start({ maxBytes: 30 });
    await expect(storage.run({ tenant: 'x'.repeat(40) }, () => dispatcher.publish('see'))).rejects.toThrow(/its context has 53 bytes; at most 30[^]*It has tenant/);
    await expect(storage.run({ tenant: Symbol('no') as unknown as string }, () => dispatcher.publish('see'))).rejects.toThrow(/cannot travel/);
    expect(testing.published()).toEqual([]);
  });

  it('needs to know where to read it, and how to run within it', () => {
    for (const wrong of [{}, { read: () => undefined }, { read: 1, run: 2 }, { read: () => undefined, run: () => undefined, maxBytes: 0 }, { read: () => undefined, run: () => undefined, missing: 'never' }]) {
      expect(() => carryContext(wrong as never)).toThrow(/carryContext/);
    }
  });
});

describe('nestjs-cls', () => {
  it('is carried as the documentation says', async () => {
    const cls = ClsServiceManager.getClsService();
    const seen: unknown[] = [];
    @Injectable()
    class ClsTasks { @Task('cls') run(): void { seen.push(cls.get('tenant')); } }
    const carried = carryContext<{ tenant: string }>({
      read: () => (cls.isActive() ? { tenant: cls.get<string>('tenant') } : undefined), run: (values, next) => cls.run(() => { cls.set('tenant', values.tenant); return next(); }),
    });
    const testing = new DispatcherTesting();
    const module = await testing.override(Test.createTestingModule({
      imports: [ClsModule.forRoot({ global: true }), DispatcherModule.forRoot({
        exchange: 'e', defaultRoutingKey: 'k', logger: new KeptLog(), workers: [{ name: 'w', queue: 'q', bindingKeys: ['k'] }], middleware: { publish: [carried.publish], run: [carried.run] },
      })],
      providers: [ClsTasks],
    })).compile();
    await module.init();
    onTestFinished(() => module.close());
    await cls.run(async () => {
      cls.set('tenant', 'acme');
      await module.get(DispatcherService).publish('cls');
    });
    await testing.drain();
    expect(seen).toEqual(['acme']);
  });
});
