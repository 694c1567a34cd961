import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Task, type BuiltInFormat, type DispatcherEvent } from '../../lib/index.js';
import { golden } from '../support/golden.js';
import { bothBrokers, oneWorker, startOn } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl, withChannel } from '../support/shared-rabbitmq.js';
import { Arrivals } from '../support/wait.js';

const ran = new Arrivals<{ name: string; values: unknown[] }>();
const EACH = 20;
const FORMATS: BuiltInFormat[] = ['gofort', 'machinery', 'celery', 'celery1', 'cloudevents', 'cloudevents-binary', 'hutch'];

@Injectable()
class Tasks {
  private readonly failed = new Set<string>();
  @Task('mixed', { retry: { attempts: 2, delaySeconds: 1, jitter: 0 } }) mixed(key: string): void {
    if (key.endsWith('0') && !this.failed.has(key)) {
      this.failed.add(key);
      throw new Error('once');
    }
    ran.add({ name: 'mixed', values: [key] });
  }
  @Task('add') add(...values: unknown[]): void { ran.add({ name: 'add', values }); }
}

describe.each(bothBrokers('formats'))('one queue with tasks in all formats, %s', (_title, url) => {
  it('is worked off by one worker, retries and delays and all, and nothing of it is a dead letter', async () => {
    ran.all.length = 0;
    const config = oneWorker(url(), 'formats');
    const [worker] = config.workers;
    const { service } = await startOn({ ...config, workers: [{ ...worker, limit: 5, bindingKeys: ['key', 'mixed'] }] }, { providers: [Tasks] });
    const dead = new Arrivals<DispatcherEvent>();
    service.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
    const keys = FORMATS.flatMap((format) => Array.from({ length: EACH }, (_, index) => ({ format, index, key: `${format}-${index}` })));
    const outcomes = await service.publishMany(keys.map(({ format, index, key }) => ({ name: 'mixed', format, args: [{ type: 'string', value: key }], ...(index % 7 === 3 ? { delaySeconds: 1.5 } : {}) })));
    expect(outcomes.filter(({ accepted }) => !accepted)).toEqual([]);
    const done = await ran.count(keys.length, 60_000, 'tasks');
    expect(done.map(({ values }) => values[0]).sort()).toEqual(keys.map(({ key }) => key).sort());
    expect(dead.all).toEqual([]);
  }, 90_000);
});

describe('one queue with tasks of several systems', () => {
  it('is worked off, with the very bytes and properties of the peers', async () => {
    ran.all.length = 0;
    const config = oneWorker(sharedRabbitMqUrl(), 'peers');
    const [{ queue }] = config.workers;
    const { service } = await startOn(config, { providers: [Tasks] });
    const dead = new Arrivals<DispatcherEvent>();
    service.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
    await withChannel(config.broker, async (channel) => {
      for (const [folder, name] of [['machinery', 'group-member-1'], ['machinery', 'group-member-2'], ['celery', 'group-member-1'], ['celery', 'task-priority-headers-limits']]) {
        const { body, properties } = golden(folder!, name!);
        channel.sendToQueue(queue, body, { ...properties, persistent: true });
      }
      await channel.waitForConfirms();
    });
    const done = await ran.count(4, 30_000, 'tasks');
    expect(done.map(({ values }) => values.map(Number)).sort()).toEqual([[1, 2], [1, 2], [1, 2], [3, 4]]);
    expect(dead.all).toEqual([]);
  }, 60_000);
});
