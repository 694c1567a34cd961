import { Inject, Injectable, type INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { currentTask, DispatcherModule, DispatcherService, Task, TaskContext, type ServerConfig } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { firstOf } from '../support/present.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { hasRedis, sharedRedisUrl } from '../support/shared-redis.js';
import { temporaryFolder, removeFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';
import { Arrivals, emission, eventually } from '../support/wait.js';

interface Run { readonly uuid: string; readonly tick: unknown; readonly args: readonly unknown[] }

/** What all applications of a test have run. */
class Runs extends Arrivals<Run> {}

@Injectable()
class Tasks {
  constructor(@Inject(Runs) private readonly runs: Runs) {}

  @Task('work')
  work(...args: unknown[]): void {
    const { uuid, headers } = currentTask() as TaskContext;
    this.runs.add({ uuid, tick: headers['x-dispatcher-tick'], args });
  }

  @Task('fail') fail(): never { throw new Error('not today'); }
}

@Injectable()
class ScheduledTasks {
  constructor(@Inject(Runs) private readonly runs: Runs) {}

  @Task('beat', { schedule: { cron: '* * * * * *', args: ['from the decorator'] } })
  beat(text: string, @TaskContext() { uuid, headers }: TaskContext): void {
    this.runs.add({ uuid, tick: headers['x-dispatcher-tick'], args: [text] });
  }
}

type Provider = typeof Tasks | typeof ScheduledTasks;

interface Place { readonly broker: string; readonly exchange: string; readonly runs: Runs }

async function startApp({ broker, exchange, runs }: Place, config: Partial<ServerConfig>, providers: Provider[]): Promise<INestApplicationContext> {
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({
      broker, exchange, defaultRoutingKey: 'key', logger: new KeptLog(), workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['key'] }], ...config,
    })],
    providers: [...providers, { provide: Runs, useValue: runs }],
  }).compile();
  const app = await module.init();
  onTestFinished(() => app.close());
  return app;
}

async function start(place: Place, config: Partial<ServerConfig> = {}, providers: Provider[] = [Tasks]): Promise<DispatcherService> {
  return (await startApp(place, config, providers)).get(DispatcherService);
}

/** It is gone, with all that it told of its runs. */
async function startAndClose(place: Place, use: (service: DispatcherService) => Promise<void>): Promise<void> {
  const app = await startApp(place, {}, [Tasks]);
  await use(app.get(DispatcherService));
  await app.close();
}

describe.concurrent.each(['RabbitMQ', 'embedded', ...hasRedis() ? ['Redis'] : []])('schedules on the broker %s alone', (name) => {
  function place(): Place {
    const [exchange, runs] = [uniqueName('schedules'), new Runs()];
    if (name === 'RabbitMQ') {
      onTestFinished(() => removeExchange(sharedRabbitMqUrl(), exchange, [`${exchange}.q`]));
      return { broker: sharedRabbitMqUrl(), exchange, runs };
    }
    if (name === 'Redis') return { broker: sharedRedisUrl(), exchange, runs };
    const folder = temporaryFolder('schedules');
    onTestFinished(() => removeFolder(folder));
    return { broker: `embedded:${folder}`, exchange, runs };
  }

  it('fire each tick of a decorated task once, whatever number of applications has it', async () => {
    const there = place();
    const { runs } = there;
    const [one, two] = firstOf(await Promise.all([1, 2, 3].map(() => start(there, {}, [ScheduledTasks]))), 2);
    await runs.count(5);
    const ticks = runs.all.map(({ tick }) => tick as number);
    expect(new Set(ticks).size).toBe(ticks.length);
    expect(ticks.every((tick) => tick % 1000 === 0)).toBe(true);
    expect(Math.max(...ticks) - Math.min(...ticks)).toBe((ticks.length - 1) * 1000);
    expect(runs.all[0]?.args).toEqual(['from the decorator']);
    const [info] = firstOf(await two.schedules.list(), 1);
    expect(info).toMatchObject({ name: 'beat', source: 'decorator', cron: '* * * * * *', missed: 'skip', task: 'beat' });
    expect(info.lastTick).toBeInstanceOf(Date);
    await expect(one.schedules.remove('beat')).rejects.toThrow(/that of @Task\('beat'\): remove it there/);
  });

  it('tell their next ticks, and how the tasks of the last ones ended', async () => {
    const there = place();
    const { runs } = there;
    await start(there);
    const publisher = await start(there, { role: 'publisher' });
    await publisher.schedules.add({ name: 'works', cron: '* * * * * *', task: 'work' });
    await publisher.schedules.add({ name: 'fails', cron: '* * * * * *', task: 'fail' });
    await publisher.schedules.add({ name: 'far', cron: '@daily', task: 'work' });
    await runs.count(2);
    const found = await eventually(() => publisher.inspect.schedules({ timeoutMs: 3_000 }), (schedules) => schedules.every(({ name: of, firings }) => of === 'far' || firings.filter(({ outcome }) => outcome !== undefined).length >= 2), 'outcomes of both');
    const [fails, far, works] = firstOf(found, 3);
    expect(far.firings).toEqual([]);
    expect(far.nextTicks.map((tick, index) => index === 0 ? tick.getTime() === far.nextTick?.getTime() : tick.getTime() - (far.nextTicks[index - 1] as Date).getTime())).toEqual([true, 86_400_000, 86_400_000, 86_400_000, 86_400_000]);
    const done = works.firings.find(({ uuid }) => uuid === runs.all[0]?.uuid);
    expect(done).toMatchObject({ tick: new Date(runs.all[0]?.tick as number), by: expect.stringMatching(/:\d+$/), outcome: { state: 'succeeded', attempt: 1, at: expect.any(Date) } });
    expect(fails.firings.at(-1)).toMatchObject({ uuid: expect.any(String), outcome: { state: 'failed', error: 'Error: not today' } });
    expect((await publisher.schedules.list()).map(({ firings }) => firings.some(({ outcome }) => outcome !== undefined))).toEqual([false, false, false]);
  });

  it('are added at run time from a process that fires none, and picked up by another', async () => {
    const there = place();
    const { runs } = there;
    await start(there);
    const publisher = await start(there, { role: 'publisher' });
    const beat = { name: 'beat', cron: '@every 1s', task: { name: 'work', args: [{ type: 'int64' as const, value: 2n ** 60n + 1n }, { type: 'string' as const, value: 'x' }] } };
    await publisher.schedules.add(beat);
    await publisher.schedules.add(beat);
    await runs.count(2);
    expect(runs.all[0]?.args).toEqual([2n ** 60n + 1n, 'x']);
    await expect(publisher.schedules.add({ ...beat, cron: '@every 2s' })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_SCHEDULE_EXISTS' });
    await publisher.schedules.add({ ...beat, cron: '@daily' }, { replace: true });
    expect(await publisher.schedules.list()).toMatchObject([{ name: 'beat', source: 'runtime', cron: '@daily', task: 'work' }]);
    await publisher.schedules.remove('beat');
    expect(await publisher.schedules.list()).toEqual([]);
    await expect(publisher.schedules.trigger('beat')).rejects.toMatchObject({ code: 'ERR_DISPATCHER_UNKNOWN_SCHEDULE' });
  });

  it('are paused across a restart of everything, resumed, and triggered meanwhile', async () => {
    const before = place();
    await startAndClose(before, async (first) => {
      await first.schedules.add({ name: 'beat', cron: '* * * * * *', task: 'work' });
      await before.runs.count(1);
      await first.schedules.pause('beat', { by: 'Ada', reason: 'maintenance' });
    });
    const runs = new Runs();
    const second = await start({ ...before, runs });
    const [info] = firstOf(await second.schedules.list(), 1);
    expect(info).toMatchObject({ name: 'beat', paused: { by: 'Ada', reason: 'maintenance' } });
    expect(info.nextTick).toBeUndefined();
    const { uuid } = await second.schedules.trigger('beat');
    await runs.first((run) => run.uuid === uuid, 'the triggered task');
    const known = runs.all.length;
    const resumedAt = Date.now();
    expect(await second.schedules.resume('beat')).toBe(true);
    expect(await second.schedules.resume('beat')).toBe(false);
    await runs.count(known + 2);
    expect(runs.all.filter(({ tick }) => tick !== undefined && (tick as number) <= resumedAt - 1000)).toEqual([]);
    expect(runs.all.find((run) => run.uuid === uuid)?.tick).toBeUndefined();
  });

  it('fire what was missed while all were down, as told', async () => {
    const there = place();
    const { runs } = there;
    await startAndClose(there, async (first) => {
      await first.schedules.add({ name: 'each', cron: '* * * * * *', missed: 'all', task: 'work' });
      await runs.count(1);
    });
    const last = Math.max(...runs.all.map(({ tick }) => tick as number));
    await new Promise((resolve) => { setTimeout(resolve, 2_500); });
    await start(there);
    await runs.first(({ tick }) => (tick as number) >= last + 4_000, 'ticks after the restart');
    const ticks = [...new Set(runs.all.map(({ tick }) => tick as number))].sort((a, b) => a - b);
    expect(ticks).toHaveLength(runs.all.length);
    expect(Math.max(...ticks) - Math.min(...ticks)).toBe((ticks.length - 1) * 1000);
  });
});

describe.concurrent('schedules that cannot be', () => {
  it('are refused with what to write instead', async () => {
    const service = await start({ broker: 'embedded:', exchange: uniqueName('schedules'), runs: new Runs() });
    await expect(service.schedules.add({ name: 'it', cron: '99 * * * *', task: 'work' })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_CONFIGURATION' });
    await expect(service.schedules.add({ name: '', cron: '* * * * *', task: 'work' })).rejects.toThrow(/needs a name/);
    await expect(service.schedules.add({ name: 'it', cron: '* * * * *', task: { name: 'work', args: [{ type: 'int', value: 'x' }] } })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_INVALID_TASK' });
    await expect(service.schedules.pause('it', { by: 'Ada', reason: 'x' })).rejects.toThrow(/no schedule .*"it"/);
    expect(() => Task('it', { schedule: '* * *' })).toThrow(/schedule of @Task\('it'\): "\* \* \*" is no schedule/);
    expect(() => Task('it', { timeZone: 'UTC' })).toThrow(/has a timeZone and no schedule/);
  });

  it('are told of as events', async () => {
    const service = await start({ broker: 'embedded:', exchange: uniqueName('schedules'), runs: new Runs() });
    const failed = emission(service.events({ type: 'schedule.failed' }), () => true, 'a tick that cannot be published');
    await service.schedules.add({ name: 'lost', cron: '* * * * * *', task: { name: 'work', routingKey: 'nowhere' } });
    expect(await failed).toMatchObject({ type: 'schedule.failed', schedule: 'lost', taskName: 'work', level: 'error', origin: 'schedule' });
  });
});
