import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Task, TaskContext, type DispatcherEvent, type ServerConfig } from '../../lib/index.js';
import { everyBroker, oneWorker, startOn } from '../support/nest-on-broker.js';
import { Arrivals } from '../support/wait.js';

const KEY = { id: 'k1', secret: Buffer.alloc(32, 1) };
const NEWER = { id: 'k2', secret: Buffer.alloc(32, 2) };
const SECRET = 'the number of a card';

@Injectable()
class Tasks {
  readonly ran = new Arrivals<{ name: string; value: unknown; attempt: number; headers: readonly string[] }>();

  @Task('sealed', { retry: { attempts: 2, delaySeconds: 0.2, jitter: 0 } })
  sealed(value: string, fails: number, @TaskContext() { attempt, headers }: TaskContext): void {
    if (attempt <= fails) throw new Error('It fails.');
    this.ran.add({ name: 'sealed', value, attempt, headers: Object.keys(headers).filter((name) => /^x-dispatcher-(task|key|signature)$/.test(name)) });
  }
}

async function start(config: ServerConfig) {
  const { app, service } = await startOn(config, { providers: [Tasks] });
  const dead = new Arrivals<Extract<DispatcherEvent, { type: 'task.dead-lettered' }>>();
  service.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
  const [queue] = config.workers!.map((worker) => worker.queue);
  return { service, dead, ran: app.get(Tasks).ran, letters: service.deadLetters, queue: queue! };
}

const value = `${SECRET} ${'x'.repeat(5_000)}`;
const task = (fails: number, more: object = {}) => ({ name: 'sealed', args: [{ type: 'string' as const, value }, { type: 'int' as const, value: fails }], ...more });

describe.each(everyBroker('sealed'))('sealed bodies on %s', (_title, url) => {
  it('come through retries, delays, dead letters and replays, also with other arguments', async () => {
    const config = { ...oneWorker(url(), 'sealed'), compression: 'br' as const, encryption: { keys: [KEY], required: true }, signing: { keys: [KEY], required: true } };
    const { service, ran, dead, letters, queue } = await start(config);
    await service.publishMany([task(0), task(1), task(0, { delaySeconds: 0.5 })]);
    expect((await ran.count(3)).map(({ attempt, headers }) => [attempt, headers]).sort()).toEqual([[1, []], [1, []], [2, []]]);
    const { uuid } = await service.publish(task(2));
    await dead.count(1);
    const letter = await letters.get(queue, uuid);
    expect(letter).toMatchObject({ name: 'sealed', reason: 'failed', args: [{ value }, { value: 2 }], attempt: 2 });
    expect(letter!.body.includes(SECRET)).toBe(false);
    expect(letter!.body.length).toBeLessThan(1_000);
    expect(await letters.replay(queue, uuid)).toBe(true);
    await dead.count(2);
    expect(await letters.replay(queue, uuid, { args: task(0).args })).toBe(true);
    expect((await ran.count(4)).at(-1)).toMatchObject({ value, attempt: 1 });
  });

  it('are dead letters where a key is missing, which say so, and run once it is there', async () => {
    const config = oneWorker(url(), 'sealed');
    const [worker] = config.workers;
    const keyless = { ...config, encryption: { keys: [KEY] }, workers: [{ ...worker, unknownTaskGraceSeconds: 0 }] };
    const publisher = await startOn({ ...config, role: 'publisher', encryption: { keys: [NEWER, KEY] } });
    const first = await start(keyless);
    const { uuid } = await publisher.service.publish(task(0));
    expect(await first.dead.count(1)).toMatchObject([{ reason: 'no-key', task: { uuid, name: 'sealed' }, error: { code: 'ERR_DISPATCHER_NO_KEY' } }]);
    const letter = await first.letters.get(first.queue, uuid);
    expect(letter).toMatchObject({ name: 'sealed', problem: expect.stringContaining('the keys here are "k1"') as string });
    expect(letter!.args).toBe(undefined);
    // Whoever has the key reads it.
    expect(await publisher.service.deadLetters.get(first.queue, uuid)).toMatchObject({ args: [{ value }, { value: 0 }] });
    await first.service.worker('w').close();
    const second = await start({ ...config, workers: [{ ...worker, name: 'second' }], encryption: { keys: [KEY, NEWER] } });
    expect(await second.letters.replay(first.queue, uuid)).toBe(true);
    expect(await second.ran.count(1)).toMatchObject([{ value }]);
  });

  it('wait for a worker that has the key, within the grace', async () => {
    const config = oneWorker(url(), 'sealed');
    const [worker] = config.workers;
    const keyless = await start({ ...config, encryption: { keys: [KEY] } });
    const returned = new Arrivals<DispatcherEvent>();
    keyless.service.events({ type: 'task.returned' }).subscribe(returned.add);
    const keyed = await start({ ...config, workers: [{ ...worker, name: 'keyed' }], encryption: { keys: [NEWER] } });
    await keyed.service.worker('keyed').close();
    await keyed.service.publish(task(0));
    await returned.count(1);
    await keyless.service.worker('w').close();
    await keyed.service.worker('keyed').start();
    expect(await keyed.ran.count(1, 30_000)).toMatchObject([{ value }]);
    expect(keyless.dead.all).toEqual([]);
  });

  it('are required: what is plain, or by another key, is a dead letter and not run', async () => {
    const config = oneWorker(url(), 'sealed');
    const strict = await start({ ...config, signing: { keys: [KEY], required: true, context: 'shop' } });
    const plain = await startOn({ ...config, role: 'publisher' });
    const forged = await startOn({ ...config, role: 'publisher', signing: { keys: [{ ...KEY, secret: Buffer.alloc(32, 9) }], context: 'shop' } });
    const elsewhere = await startOn({ ...config, role: 'publisher', signing: { keys: [KEY], context: 'forum' } });
    for (const { service } of [plain, forged, elsewhere]) await service.publish(task(0));
    const dead = await strict.dead.count(3);
    expect(dead.map(({ reason }) => reason)).toEqual(['unauthenticated', 'unauthenticated', 'unauthenticated']);
    await strict.service.publish(task(0));
    expect(await strict.ran.count(1)).toHaveLength(1);
    expect(await strict.letters.count(strict.queue, { filter: { reason: 'unauthenticated' } })).toMatchObject({ count: 3 });
  });
});
