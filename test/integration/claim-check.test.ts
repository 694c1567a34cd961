import { readdirSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { folderClaims, Task, TaskContext, type DispatcherEvent, type ServerConfig } from '../../lib/index.js';
import { everyBroker, oneWorker, startOn } from '../support/nest-on-broker.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';
import { Arrivals } from '../support/wait.js';

@Injectable()
class Tasks {
  readonly ran = new Arrivals<{ length: number; attempt: number }>();

  @Task('large', { retry: { attempts: 2, delaySeconds: 0.2, jitter: 0 } })
  large(value: string, fails: number, @TaskContext() { attempt }: TaskContext): number {
    if (attempt <= fails) throw new Error('It fails.');
    this.ran.add({ length: value.length, attempt });
    return value.length;
  }
}

const VALUE = 'x'.repeat(1_000_000);
const task = (fails: number, more: object = {}) => ({ name: 'large', args: [{ type: 'string' as const, value: VALUE }, { type: 'int' as const, value: fails }], ...more });

function ownFolder(): string {
  const folder = temporaryFolder('claim-check');
  onTestFinished(() => removeFolder(folder));
  return join(folder, 'claims');
}

function bodiesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.startsWith('.')).length;
}

async function start(config: ServerConfig) {
  const { app, service } = await startOn(config, { providers: [Tasks] });
  const told = new Arrivals<DispatcherEvent>();
  service.events().subscribe((event) => { if (event.type === 'task.dead-lettered' || event.type === 'task.returned') told.add(event); });
  return { app, service, told, ran: app.get(Tasks).ran, letters: service.deadLetters };
}

describe.each(everyBroker('claims'))('large bodies in a folder, on %s', (_title, url) => {
  it('come through retries, delays, results, dead letters, replays and another process, and are gone when all is done', async () => {
    const folder = ownFolder();
    const config = { ...oneWorker(url(), 'claims'), claimCheck: { store: folderClaims(folder), whenDone: 'delete' as const } };
    const [{ queue }] = config.workers;
    const worker = await start(config);
    const publisher = await startOn({ ...config, role: 'publisher', claimCheck: { store: folderClaims(folder) } });
    const sent = await publisher.service.publish(task(0, { result: true }));
    expect(await sent.result()).toBe(VALUE.length);
    await publisher.service.publishMany([task(1), task(0, { delaySeconds: 0.5 })]);
    expect((await worker.ran.count(3)).map(({ attempt }) => attempt).sort()).toEqual([1, 1, 2]);
    const { uuid } = await publisher.service.publish(task(2));
    await worker.told.count(1);
    expect((await worker.letters.list(queue)).letters).toMatchObject([{ uuid, name: 'large', reason: 'failed', problem: expect.stringContaining('claim store') as string }]);
    const letter = await worker.letters.get(queue, uuid);
    expect([letter!.args![0]!.value === VALUE, letter!.body.length < 300]).toEqual([true, true]);
    expect(await worker.letters.replay(queue, uuid, { args: task(0).args })).toBe(true);
    await worker.ran.count(4);
    await worker.app.close();
    // That of the dead letter has got another one.
    expect(bodiesIn(folder)).toBe(1);
    expect(await publisher.service.sweepClaims(new Date(Date.now() + 60_000))).toBe(1);
    expect(bodiesIn(folder)).toBe(0);
  });

  it('wait while the folder is not there, and are dead letters of their own kind where they are swept too early', async () => {
    const folder = ownFolder();
    const [config, store] = [oneWorker(url(), 'claims'), folderClaims(folder)];
    const { service, ran, told, letters } = await start({ ...config, claimCheck: { store }, workers: [{ ...config.workers[0], unknownTaskGraceSeconds: 0 }] });
    await service.worker('w').close();
    await service.publish(task(0));
    await rename(folder, `${folder}.elsewhere`);
    await service.worker('w').start();
    expect(await told.count(1)).toMatchObject([{ type: 'task.returned', reason: expect.stringContaining('is no folder of claims now') as string }]);
    await rename(`${folder}.elsewhere`, folder);
    expect(await ran.count(1)).toEqual([{ length: VALUE.length, attempt: 1 }]);
    await service.worker('w').close();
    const { uuid } = await service.publish(task(0));
    expect(await service.sweepClaims(new Date(Date.now() + 60_000))).toBe(2);
    await service.worker('w').start();
    await told.first(({ type }) => type === 'task.dead-lettered', 'a dead letter');
    expect(await letters.get(config.workers[0].queue, uuid)).toMatchObject({ name: 'large', reason: 'claim-missing', problem: expect.stringContaining('claim store') as string });
  });
});
