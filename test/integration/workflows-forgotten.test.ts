import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chain, chord, DispatcherModule, DispatcherService, group, Task, task, type PublishedWorkflow } from '../../lib/index.js';
import { KeptLog } from '../support/nest-app.js';
import { MemcachedServer } from '../support/memcached.js';
import { isMissing } from '../support/result-servers.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { Arrivals, eventually, Signal } from '../support/wait.js';

/** memcached may forget: what then becomes of workflows is what docs/workflows.md says. */

@Injectable()
class Tasks {
  readonly ran = new Arrivals<string>();
  readonly gate = new Signal();
  @Task('add') add(a: number, b: number): number { this.ran.add('add'); return a + b; }
  @Task('sum') sum(numbers: number[]): number { this.ran.add('sum'); return numbers.reduce((sum, one) => sum + one, 0); }
  @Task('hold') async hold(): Promise<number> { this.ran.add('hold'); await this.gate.promise; return 1; }
}

describe.skipIf(isMissing('memcached'))('a workflow of which memcached forgets', () => {
  let memcached: MemcachedServer;
  let close: () => Promise<unknown>;
  let service: DispatcherService;
  let tasks: Tasks;
  let log: KeptLog;
  const exchange = uniqueName('forgotten');

  beforeEach(async () => {
    memcached = await MemcachedServer.start();
    log = new KeptLog();
    const module = await Test.createTestingModule({
      imports: [DispatcherModule.forRoot({
        broker: 'embedded:', resultBackend: memcached.url, exchange, defaultRoutingKey: 'key', logger: log, workers: [{ name: 'w', queue: `${exchange}.q`, limit: 10, bindingKeys: ['key'] }],
      })],
      providers: [Tasks],
    }).compile();
    const app = await module.init();
    close = () => app.close();
    [service, tasks] = [app.get(DispatcherService), app.get(Tasks)];
  });
  afterEach(async () => {
    await close();
    await memcached.stop();
  });

  /** Nothing waits, nothing runs, and what comes next is done. */
  async function expectNoStandstill(): Promise<void> {
    await service.drain();
    expect(await (await service.publish(chord(group(task('add', 1, 2), task('add', 3, 4)), task('sum')))).result()).toBe(10);
  }

  it('the result of a member fails, and says why', async () => {
    const published: PublishedWorkflow = await service.publish(chord(group(task('add', 1, 2), task('add', 3, 4), task('hold')), task('sum')));
    await eventually(async () => (await published.progress())?.root.steps?.[0]?.ended, (ended) => ended === 2, 'two ended members');
    // See memcache-members.ts: the set has an id, and under it a key for each member. The driver's mark comes first.
    const [id] = (await memcached.get(`dispatcher:workflow:${published.uuid}:group:0.0~h`)).slice(1).split(' ');
    await memcached.evict(`${id}~0`);
    tasks.gate.fire();
    await expect(published.result()).rejects.toThrow(/memcached has evicted member 0 of 3 .* forbid eviction \(-M\), or choose another backend/);
    expect(await published.progress()).toMatchObject({ status: 'failed', root: { status: 'failed', steps: [{ kind: 'group', size: 3 }, { kind: 'task' }] } });
    await expectNoStandstill();
    expect(tasks.ran.all.filter((name) => name === 'sum')).toHaveLength(1);
  });

  it('everything, because it was started anew, is gone: nothing follows, the log says so, and whoever waits is told', async () => {
    const published = await service.publish(chain(task('hold'), task('add', 1)).onError(task('add', 1, 1)));
    await tasks.ran.count(1);
    await memcached.server.kill9();
    await memcached.server.start();
    tasks.gate.fire();
    await eventually(() => log.of('warn'), (lines) => lines.some((line) => /Task "hold" .* has ended, but its workflow .* cannot go on.*Nothing is known of/s.test(line)), 'the warning');
    await expectNoStandstill();
    expect(await published.progress()).toBeUndefined();
    await expect(published.result({ timeoutSeconds: 0.5 })).rejects.toThrow(/has not ended within 500 ms, and nothing is known of it/);
    expect(await published.cancel()).toBe(false);
    await expect(published.retry()).rejects.toThrow(/never published, or has expired/);
    expect(tasks.ran.all.filter((name) => name === 'add')).toHaveLength(2);
  });
});
