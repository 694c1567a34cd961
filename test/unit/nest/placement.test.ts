import { Inject, Injectable, Module, type Type } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { describe, expect, it, vi } from 'vitest';
import { chain, chord, currentTask, DispatcherModule, getDispatcherToken, group, signatures, task, Task, Tasks, type DispatcherFeature, type DispatcherService, type TaskContext } from '../../../lib/index.js';
import { BROKER_FACTORY } from '../../../lib/nest/dispatcher.module.js';
import { childrenOf, type PlanNode } from '../../../lib/workflows/plan-node.js';
import { routedPlan } from '../../../lib/workflows/routed-plan.js';
import { LoopbackBroker } from '../../support/loopback-broker.js';
import { KeptLog, startApp, startFailure, testConfig, WORKER } from '../../support/nest-app.js';
import { Arrivals, eventually, Signal } from '../../support/wait.js';

const ran = new Arrivals<string>();
function note(...more: unknown[]): void {
  const { name, queue, worker } = currentTask() as TaskContext & { queue: string; worker: string };
  ran.add([name, queue ?? '', worker ?? '', ...more.map((one) => JSON.stringify(one))].join(' '));
}

class MailTasks {
  @Task('mail.send', { queue: 'mail' }) send(to: string): void { note(to); }
}

@Tasks({ queue: 'reports', routingKey: 'reports.in' })
class ReportTasks {
  @Task('report.make') make(): void { note(); }
  @Task('report.mail', { queue: 'mail' }) mail(): void { note(); }
  @Task('report.urgent', { routingKey: 'reports.urgent' }) urgent(): void { note(); }
}

class OtherTasks {
  @Task('other') other(...args: unknown[]): void { note(...args); }
}

const MAIL = { name: 'mailer', queue: 'mail' };
const REPORTS = { name: 'reporter', queue: 'reports' };

function keys(broker: LoopbackBroker): string[] {
  return broker.published.map(({ address }) => ('routingKey' in address ? address.routingKey : `queue ${address.queue}`));
}

function featureModule(feature: DispatcherFeature, providers: Type<object>[] = []): Type<object> {
  @Module({ imports: [DispatcherModule.forFeature(feature)], providers })
  class FeatureModule {}
  return FeatureModule;
}

describe('where a task goes', () => {
  it('is what @Task, or @Tasks on its class, says, and only workers of that queue run it', async () => {
    const { service, broker, log } = await startApp({ providers: [MailTasks, ReportTasks, OtherTasks] }, { workers: [WORKER, MAIL, REPORTS] });
    for (const name of ['mail.send', 'report.make', 'report.mail', 'report.urgent', 'other']) await service.publish(name);
    expect(keys(broker)).toEqual(['mail', 'reports.in', 'mail', 'reports.urgent', 'key']);
    await broker.settled.count(5);
    expect(service.health().details.workers).toHaveLength(3);
    expect(log.of('warn')).toEqual([]);
    expect(log.of('log').at(-1)).toMatch(/worker_1 \(queue queue_1, 1 tasks\), mailer \(queue mail, 3 tasks\), reporter \(queue reports, 3 tasks\)/);
  });

  it('is known to a client of the class, where no module provides it', async () => {
    const { service, broker } = await startApp({}, { role: 'publisher', workers: [], initQueues: [{ name: 'mail', bindingKeys: ['mail', 'elsewhere'] }] });
    await service.client(MailTasks).send('Ada');
    await service.client(MailTasks, { routingKey: 'elsewhere' }).send('Ada');
    expect(keys(broker)).toEqual(['mail', 'elsewhere']);
  });

  it('is known to a publisher by a feature alone, which needs no handlers then', async () => {
    const feature = featureModule({ workers: [{ ...WORKER, name: 'others', queue: 'others', tasks: ['other', 'of-a-go-service'] }], tasks: [OtherTasks] });
    const { service, broker, log } = await startApp({ imports: [feature] }, { role: 'publisher', workers: [] });
    await service.publish('other');
    expect(keys(broker)).toEqual(['others']);
    expect(log.of('warn')).toEqual([]);
  });

  it('travels with a workflow, whose later steps are published by processes that may not know it', async () => {
    const seen = new Map<string, string | undefined>();
    const known = (name: string): { routingKey?: string; version: number } => ({ routingKey: ({ 'mail.send': 'mail' })[name], version: 1 });
    const { node } = chain(task('other'), group([task('mail.send', 1), task('mail.send').options({ routingKey: 'own' })]), chord(group([task('mail.send'), task('other')]), task('mail.send').onError(task('mail.send'))));
    const visit = (one: PlanNode): void => {
      if (one.kind === 'task') seen.set(`${seen.size} ${one.name}`, one.options?.routingKey);
      for (const child of [...childrenOf(one), ...one.onError ?? []]) visit(child);
    };
    visit(routedPlan(node, known));
    expect([...seen]).toEqual([
      ['0 other', undefined], ['1 mail.send', 'mail'], ['2 mail.send', 'own'], ['3 mail.send', 'mail'], ['4 other', undefined], ['5 mail.send', 'mail'], ['6 mail.send', 'mail'],
    ]);
    expect(signatures(MailTasks).send('Ada').node).toMatchObject({ options: { routingKey: 'mail' } });
    const { service, broker } = await startApp({ providers: [MailTasks, OtherTasks] }, { workers: [WORKER, MAIL], broker: 'embedded:' });
    await service.publish(chain(task('other'), task('mail.send', 'x'))).then((published) => published.result());
    expect(keys(broker).slice(0, 2)).toEqual(['key', 'mail']);
  });

  it('is overridden by the publisher, through middleware too', async () => {
    const seen: string[] = [];
    const { service, broker } = await startApp({ providers: [MailTasks] }, {
      workers: [MAIL], initQueues: [{ name: 'q', bindingKeys: ['elsewhere'] }], middleware: { publish: [(task, next) => { seen.push(task.routingKey); return next(); }] },
    });
    await service.publish('mail.send');
    await service.publish({ name: 'mail.send', routingKey: 'elsewhere' });
    expect([seen, keys(broker)]).toEqual([['mail', 'elsewhere'], ['mail', 'elsewhere']]);
  });

  it('cannot be two things at once', async () => {
    class Again { @Task('mail.send', { queue: 'reports' }) send(): void { note(); } }
    const error = await startFailure({ providers: [MailTasks, Again] }, { workers: [MAIL, REPORTS] });
    expect(error.message).toMatch(/where the task "mail.send" goes: MailTasks.send .* says queue "mail", and Again.send .* says queue "reports"/);
    expect(() => Task('x', { queue: 'amq.x' })).toThrow(/belong to RabbitMQ/);
    expect(() => Tasks({ queu: 'x' } as never)).toThrow(/Did you mean "queue"/);
  });

  it('holds for a worker that is made at run time', async () => {
    const { service, broker } = await startApp({ providers: [MailTasks] }, { workers: [] });
    await expect(service.publish('mail.send')).rejects.toMatchObject({ code: 'ERR_DISPATCHER_UNROUTABLE' });
    await (await service.createWorker(MAIL)).start();
    await service.publish('mail.send');
    expect(keys(broker)).toEqual(['mail']);
  });
});

describe('a feature', () => {
  it('brings its workers, queues and tasks along, for the dispatcher that it names', async () => {
    const broker = new LoopbackBroker();
    const log = new KeptLog();
    const imports = [
      featureModule({ workers: [{ name: 'others', queue: 'others' }], tasks: [OtherTasks], dispatcher: 'second', initQueues: [{ name: 'more', bindingKeys: ['more'] }] }),
      DispatcherModule.forRootAsync({ name: 'second', useFactory: () => testConfig({ workers: [] }, log) }),
      DispatcherModule.forRoot({ ...testConfig({ workers: [] }, new KeptLog()) }),
    ];
    class SecondTasks { @Task('second.one', { dispatcher: 'second', queue: 'others' }) one(): void { note(); } }
    const module = await Test.createTestingModule({ imports, providers: [SecondTasks] }).overrideProvider(BROKER_FACTORY).useValue((_: unknown, name: string) => (name === 'second' ? broker : new LoopbackBroker())).compile();
    const app = await module.init();
    const service = app.get<DispatcherService>(getDispatcherToken('second'));
    await service.publish('second.one');
    await broker.settled.count(1);
    expect(keys(broker)).toEqual(['others']);
    expect(broker.calls).toContain('declare more others');
    expect(log.of('log').at(-1)).toContain('others (queue others, 1 tasks)');
    await app.close();
  });

  it.each([
    ['a worker of the same name', { workers: [{ ...WORKER, queue: 'x' }] }, /queue "queue_1" \("worker_1"\) and the one of queue "x" \("worker_1"\) are both named "worker_1"/],
    ['another type of the same queue', { workers: [{ name: 'w2', queue: 'queue_1', type: 'quorum' }] }, /The queue "queue_1" cannot be of two types: worker "worker_1" says type: 'classic' \(the default\), and worker "w2" says type: 'quorum'/],
    ['a dispatcher that is not there', { dispatcher: 'elsewhere' }, /for the dispatcher "elsewhere"; the registered ones are "default"/],
  ] as [string, DispatcherFeature, RegExp][])('that has %s keeps the application from starting', async (_, feature, text) => {
    expect((await startFailure({ imports: [featureModule(feature)] })).message).toMatch(text);
  });

  it('needs forRoot, and says so', async () => {
    const module = await Test.createTestingModule({ imports: [featureModule({ workers: [MAIL] })] }).compile();
    await expect(module.init()).rejects.toThrow(/forFeature is imported, but DispatcherModule.forRoot is not/);
  });

  it('refuses what is no feature at once', () => {
    expect(() => DispatcherModule.forFeature({ tasks: [Object] })).toThrow(/found the class Object without one/);
    expect(() => DispatcherModule.forFeature({ worker: [] } as never)).toThrow(/Did you mean "workers"/);
  });

  it('that is loaded lazily has its tasks run by a worker that is made then', async () => {
    const { app, service, broker } = await startApp({ providers: [OtherTasks] });
    @Module({ providers: [MailTasks] })
    class LazyModule {}
    await app.get(LazyModuleLoader).load(() => LazyModule);
    await (await service.createWorker(MAIL)).start();
    await service.publish('mail.send', 'lazy');
    await broker.settled.count(1);
    expect(ran.all.at(-1)).toContain('"lazy"');
  });
});

describe('a module that is loaded while workers run', () => {
  it('has its tasks run by them: published here, or come from elsewhere', async () => {
    const { app, service, broker, log } = await startApp({ providers: [OtherTasks] });
    class LateTasks {
      @Task('late.one') one(to: string): void { note(to); }
      @Task('late.two') two(to: string): void { note(to); }
    }
    @Module({ providers: [LateTasks] })
    class LateModule {}
    await app.get(LazyModuleLoader).load(() => LateModule);
    await service.publish({ name: 'late.two', args: [{ type: 'string', value: 'come' }], routingKey: 'key' });
    await broker.settled.count(1);
    await service.publish('late.one', 'published');
    await broker.settled.count(2);
    expect(ran.all.slice(-2)).toEqual([expect.stringContaining('"come"'), expect.stringContaining('"published"')]);
    expect(log.of('warn')).toEqual([]);
  });

  it.each<[string, (service: DispatcherService) => Promise<unknown>]>([
    ['publish', (service) => Promise.all([service.publish('mail.send', 'first'), service.publish('mail.send', 'second')])],
    ['publishMany', async (service) => {
      const outcomes = await service.publishMany(['first', 'second'].map((value) => ({ name: 'mail.send', args: [{ type: 'string', value }] })));
      expect(outcomes.map(({ accepted }) => accepted)).toEqual([true, true]);
    }],
  ])('has its keys bound before the very %s that finds it', async (_, publish) => {
    const { app, service, broker } = await startApp({ providers: [OtherTasks] }, { workers: [WORKER, MAIL] });
    @Module({ providers: [MailTasks] })
    class LateModule {}
    await app.get(LazyModuleLoader).load(() => LateModule);
    const declare = broker.declare.bind(broker);
    broker.declare = async (topology) => {
      await new Promise((resolve) => { setTimeout(resolve, 20); });
      return declare(topology);
    };
    await publish(service);
    await broker.settled.count(2);
    expect(ran.all.slice(-2)).toEqual([expect.stringContaining('"first"'), expect.stringContaining('"second"')]);
  });

  it('is waited for until all its providers are made', async () => {
    const { app, service, broker } = await startApp({ providers: [OtherTasks] });
    const made = new Signal();
    @Injectable()
    class SlowTasks {
      constructor(@Inject('slow') private readonly greeting: string) {}
      @Task('slow.hello') hello(): void { note(this.greeting); }
    }
    @Module({ providers: [SlowTasks, { provide: 'slow', useFactory: async () => { await made.promise; return 'made'; } }] })
    class SlowModule {}
    const loading = app.get(LazyModuleLoader).load(() => SlowModule);
    broker.onPublish = () => Promise.reject(new Error('not now'));
    await service.publish('slow.hello').catch(() => undefined);
    broker.onPublish = () => Promise.resolve();
    made.fire();
    await loading;
    await service.publish('slow.hello');
    await eventually(() => ran.all.at(-1), (last) => last?.includes('"made"') === true, 'the handler, with what it was given');
  });

  it('has its own workers and queues started, bound before anything is published to them', async () => {
    const { app, service, broker, log } = await startApp({ providers: [OtherTasks] });
    const feature = featureModule({ workers: [MAIL], initQueues: [{ name: 'later', bindingKeys: ['later.in'] }], tasks: [MailTasks] }, [MailTasks]);
    await app.get(LazyModuleLoader).load(() => feature);
    await service.publish('mail.send', 'feature');
    await eventually(() => ran.all.at(-1), (last) => last?.includes('"feature"') === true, 'the task of the feature');
    expect(service.worker('mailer').queue).toBe('mail');
    expect(keys(broker)).toEqual(['mail']);
    expect(log.of('warn')).toEqual([]);
    await service.publish({ name: 'other', args: [], routingKey: 'later.in' });
    expect(await service.depth('later')).toBe(1);
  });

  it('that nobody publishes for has its workers started all the same', async () => {
    const { app, broker } = await startApp({ providers: [OtherTasks] });
    await app.get(LazyModuleLoader).load(() => featureModule({ workers: [MAIL] }, [MailTasks]));
    await eventually(() => broker.calls, (calls) => calls.includes('consume mail'), 'the worker of the feature');
  });

  it('with a mistake in it is told of, and disturbs nobody', async () => {
    const { app, service, broker, log } = await startApp({ providers: [OtherTasks] });
    class Twice { @Task('other') again(): void { note('never'); } }
    @Module({ providers: [Twice] })
    class WrongModule {}
    await app.get(LazyModuleLoader).load(() => WrongModule);
    broker.onPublish = () => Promise.reject(new Error('not now'));
    await service.publish('unheard.of').catch(() => undefined);
    broker.onPublish = () => Promise.resolve();
    await service.publish('other', 'still');
    await eventually(() => ran.all.at(-1), (last) => last?.includes('"still"') === true, 'the first of the two');
    expect(log.of('warn').join(' ')).toMatch(/A module was loaded whose tasks or workers cannot be taken. The task "other" of worker "worker_1" has two handlers/);
    expect(broker.published).not.toEqual([]);
  });

  it('is told which of its tasks no worker takes', async () => {
    const { app, service, log } = await startApp({ providers: [OtherTasks] });
    @Module({ providers: [MailTasks] })
    class LateModule {}
    await app.get(LazyModuleLoader).load(() => LateModule);
    await service.publish('mail.send').catch(() => undefined);
    expect(log.of('warn')[0]).toMatch(/^No worker of this process runs "mail.send" \(MailTasks.send .*, queue "mail"\)/);
  });
});

describe('at the start it is told', () => {
  it('which tasks no worker takes, and which worker has none', async () => {
    const { log } = await startApp({ providers: [MailTasks, OtherTasks] }, { workers: [WORKER, { name: 'idle', queue: 'idle', tasks: [] }] });
    expect(log.of('warn')).toEqual([
      expect.stringMatching(/^No worker of this process runs "mail.send" \(MailTasks.send .*, queue "mail"\): they are "worker_1" \(queue "queue_1"\), "idle" .*Add a worker of that queue/),
      expect.stringMatching(/^Worker "idle" has no tasks: /),
    ]);
  });

  const OF_FEATURE = { name: 'w2', queue: 'queue_1' };
  it.each<[string, object, object, RegExp]>([
    ['priorities', { priorities: true }, {}, /^Of the workers of the queue "queue_1", worker "worker_1" has priorities: true, and worker "w2" has not: .*only if their queues were there when it started\. Write the same for all/],
    ['wire', { wire: 'dispatcher' }, { wire: 'gofort-strict' }, /^Of the queue "queue_1", worker "w2" says wire: 'gofort-strict', and worker "worker_1" says wire: 'dispatcher'\. The stricter one holds/],
    ['the type of dead letters', { type: 'quorum' }, { queue: 'queue_1.dead' }, /^The queue "queue_1\.dead" has the dead letters of "queue_1", whose worker "worker_1" says type: 'quorum', and is taken from by worker "w2", which says type: 'classic' \(the default\)/],
  ])('that two workers of one queue do not say the same of it: %s', async (_, one, other, text) => {
    const { log } = await startApp({ imports: [featureModule({ workers: [{ ...OF_FEATURE, ...other }] })], providers: [OtherTasks] }, { workers: [{ ...WORKER, ...one }] });
    expect(log.of('warn')).toEqual([expect.stringMatching(text)]);
    const { service, log: later } = await startApp({ providers: [OtherTasks] }, { workers: [{ ...WORKER, ...one }, { name: 'w3', queue: 'q3' }] });
    await service.createWorker({ ...OF_FEATURE, ...other }, { t: { function: () => undefined } });
    expect(later.of('warn')).toEqual([expect.stringMatching(text)]);
    await service.createWorker({ name: 'w4', queue: 'q4' }, { t: { function: () => undefined } });
    expect(later.of('warn')).toHaveLength(1);
  });

  it('nothing of what workers of one queue may say each for itself', async () => {
    const { log } = await startApp({ providers: [OtherTasks] }, {
      workers: [{ ...WORKER, priorities: true, wire: 'gofort-strict', limit: 1 }, { ...WORKER, name: 'w2', priorities: true, bindingKeys: ['k2'], tasks: ['other'], limit: 9, maxRedeliveries: 3 }, { name: 'w5', queue: 'queue_1.dead', tasks: ['other'] }],
    });
    expect(log.of('warn').filter((line) => !line.includes('has no tasks'))).toEqual([]);
  });

  it('that a worker which is made later gives its queue another type, and refuses it', async () => {
    const { service } = await startApp({ providers: [OtherTasks] }, { initQueues: [{ name: 'q9', type: 'quorum' }] });
    const make = (config: object): Promise<unknown> => service.createWorker({ name: 'late', ...config } as never, { t: { function: () => undefined } });
    await expect(make({ queue: 'queue_1', type: 'quorum' })).rejects.toThrow(/queue "queue_1" cannot be of two types: worker "worker_1" says type: 'classic' \(the default\), and worker "late" says type: 'quorum'/);
    await expect(make({ queue: 'q9', type: 'classic' })).rejects.toThrow(/initQueues says type: 'quorum', and worker "late" says type: 'classic' \(the default\)/);
    await make({ name: 'silent', queue: 'q9' });
    await make({ queue: 'q9', type: 'quorum' });
    await expect(service.createWorker({ name: 'later', queue: 'q9', type: 'server-default' }, { t: { function: () => undefined } })).rejects.toThrow(/and worker "later" says type: 'server-default'/);
  });

  it('that there are tasks and no workers at all, but not to a publisher', async () => {
    expect((await startApp({ providers: [OtherTasks] }, { workers: [] })).log.of('warn')).toEqual([expect.stringMatching(/it has none. Write workers: .* or role: 'publisher'/)]);
    expect((await startApp({ providers: [OtherTasks] }, { workers: [], role: 'publisher' })).log.of('warn')).toEqual([]);
  });

  it('that a class of a feature is provided by nobody', async () => {
    const { log } = await startApp({ imports: [featureModule({ workers: [MAIL], tasks: [MailTasks] })] }, { workers: [] });
    expect(log.of('warn')[0]).toMatch(/runs "mail.send" \(MailTasks, which no module provides, queue "mail"\)/);
  });
});

describe('at publish it is told, once', () => {
  it('that a name is nearly one that is known', async () => {
    const { service, log } = await startApp({ providers: [OtherTasks] });
    for (let count = 0; count < 3; count++) await service.publish('othr').catch(() => undefined);
    await service.publish('something-else').catch(() => undefined);
    expect(log.of('warn')).toEqual([expect.stringMatching(/No @Task of this process has the name "othr". Did you mean "other"\?/)]);
  });

  it('but not that names are counted up', async () => {
    class Counted { @Task('task_1') one(): void { note(); } }
    const { service, log } = await startApp({ providers: [Counted] });
    await service.publish('task_2');
    expect(log.of('warn')).toEqual([]);
  });

  it('that a key leads to another queue than that of its workers', async () => {
    const { service, log } = await startApp({ providers: [OtherTasks, MailTasks] }, { workers: [{ ...WORKER, tasks: ['mail.send'] }, { name: 'w2', queue: 'q2', bindingKeys: ['k2'], tasks: ['other'] }] });
    await service.publish({ name: 'other', routingKey: 'k2' });
    expect(log.of('warn')).toEqual([]);
    await service.publish('other');
    await service.publish('other');
    expect(log.of('warn')).toEqual([expect.stringMatching(/"other" is published with the routing key "key", which leads to the queue "queue_1", but its worker here takes from "q2"/)]);
  });

  it('that options stand behind the arguments', async () => {
    const { service, log, broker } = await startApp({ providers: [OtherTasks] });
    await service.publish('other', 1, { delaySeconds: 5 });
    await service.publish('other', 1, { delaySeconds: 5 });
    expect(log.of('warn')).toEqual([expect.stringMatching(/looks like options, \{ delaySeconds: \.\.\. \}, and was sent as an argument.*publish\('other', \{ args: \[\.\.\.\], delaySeconds: \.\.\. \}\)/)]);
    await broker.settled.count(2);
    expect(ran.all.at(-1)).toContain('1 {"delaySeconds":5}');
  });
});

describe('publish by name with options', () => {
  it('sends args with their types inferred', async () => {
    const { service, broker, log } = await startApp({ providers: [OtherTasks] });
    await service.publish('other', { args: [1, 'x'], uuid: 'its-own', headers: { a: 1 } });
    const [sent] = broker.published;
    expect(JSON.parse(String(sent?.message.body))).toMatchObject({ uuid: 'its-own', args: [{ type: 'int', value: 1 }, { type: 'string', value: 'x' }] });
    expect(sent?.message.properties.headers).toMatchObject({ a: 1 });
    expect(log.of('warn')).toEqual([]);
  });

  it('leaves an object alone that only looks a little like it', async () => {
    const { service, broker, log } = await startApp({ providers: [OtherTasks] });
    await service.publish('other', { command: 'ls', args: ['-l'] });
    await service.publish({ name: 'other', args: [{ type: 'json', value: { args: [1], delaySeconds: 5 } }] });
    await broker.settled.count(2);
    expect(ran.all.slice(-2)).toEqual([expect.stringContaining('{"command":"ls","args":["-l"]}'), expect.stringContaining('{"args":[1],"delaySeconds":5}')]);
    expect(log.of('warn')).toEqual([]);
  });
});

describe('overrideProvider', () => {
  @Injectable()
  class FakeTasks { @Task('other') fake(): void { ran.add('the fake'); } }

  it.each([
    ['a class with tasks of its own', (builder: ReturnType<typeof Test.createTestingModule>) => builder.overrideProvider(OtherTasks).useClass(FakeTasks)],
    ['a value with the methods of the class', (builder: ReturnType<typeof Test.createTestingModule>) => builder.overrideProvider(OtherTasks).useValue({ other: vi.fn(() => ran.add('the fake')) })],
    ['what a factory makes', (builder: ReturnType<typeof Test.createTestingModule>) => builder.overrideProvider(OtherTasks).useFactory({ factory: () => ({ other: () => ran.add('the fake') }) })],
  ])('with %s runs that', async (_, adjust) => {
    const before = ran.all.length;
    const { service, broker, log } = await startApp({ providers: [OtherTasks] }, {}, { adjust });
    await service.publish('other');
    await broker.settled.count(1);
    expect(ran.all.slice(before)).toEqual(['the fake']);
    expect(log.of('warn')).toEqual([]);
  });
});
