import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  circuitBreaker, DispatcherModule, DispatcherService, Task, TaskContext, type DispatcherEvent, type ServerConfig,
} from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { Arrivals, emission } from '../support/wait.js';

@Injectable()
class Tasks {
  readonly ran = new Arrivals<string>();
  readonly succeeded = new Arrivals<string>();
  down = false;
  @Task('tell') tell(@TaskContext() { headers, state }: TaskContext): void { this.ran.add(`${JSON.stringify(headers.tenant)} ${JSON.stringify(state)}`); }
  @Task('depends', { retry: { attempts: 50, backoff: 'fixed', delaySeconds: 0.05, jitter: 0 } })
  depends(@TaskContext() { uuid }: TaskContext): void {
    this.ran.add('depends');
    if (this.down) throw new Error('down');
    this.succeeded.add(uuid);
  }
}

const clean: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const step of clean.splice(0).reverse()) await step();
});

async function start(broker: string, config: Partial<ServerConfig>) {
  const exchange = uniqueName('middleware');
  const queue = `${exchange}.q`;
  if (broker.startsWith('amqp')) clean.push(() => removeExchange(sharedRabbitMqUrl(), exchange, [queue]));
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({
      broker, exchange, defaultRoutingKey: 'key', logger: new KeptLog(), shutdownTimeoutSeconds: 5,
      workers: [{ name: 'worker_1', queue, bindingKeys: ['key'], limit: 4 }], ...config,
    })],
    providers: [Tasks],
  }).compile();
  const app = await module.init();
  clean.push(() => app.close());
  return { service: app.get(DispatcherService), tasks: app.get(Tasks) };
}

function next(service: DispatcherService, type: DispatcherEvent['type']): Promise<DispatcherEvent> {
  return emission(service.events(), (event) => event.type === type, type);
}

describe.each([['embedded', () => 'embedded:'], ['amqp', sharedRabbitMqUrl]])('middleware on %s', (_, brokerUrl) => {
  it('enriches what is published, vetoes, and fills the state of what runs', async () => {
    const { service, tasks } = await start(brokerUrl(), {
      middleware: {
        publish: [(task, go) => { if (task.name === 'veto') throw new Error('vetoed'); task.headers.tenant = 'acme'; return go(); }],
        run: [(context, go, args) => { Object.assign(context.state, { first: args[0] }); return go(); }],
      },
    });
    await service.publish('tell', 7);
    expect(await tasks.ran.count(1)).toEqual(['"acme" {"first":7}']);
    await expect(service.publish('veto')).rejects.toThrow('vetoed');
    const outcomes = await service.publishMany([{ name: 'tell' }, { name: 'veto' }]);
    expect(outcomes.map(({ accepted }) => accepted)).toEqual([true, false]);
    expect((await tasks.ran.count(2))[1]).toBe('"acme" {}');
  });

  it.each(['queue', 'task'] as const)('opens the circuit of a %s, tries, closes, and loses nothing', async (scope) => {
    const { service, tasks } = await start(brokerUrl(), { middleware: { run: [circuitBreaker({ scope, minimumTasks: 5, openSeconds: 0.5 })] } });
    tasks.down = true;
    const opened = next(service, 'circuit.opened');
    const closed = next(service, 'circuit.closed');
    const dead: string[] = [];
    service.events().subscribe((event) => { if (event.type === 'task.dead-lettered') dead.push(event.task.uuid); });
    const outcomes = await service.publishMany(Array.from({ length: 40 }, () => ({ name: 'depends' })));
    expect(outcomes.every(({ accepted }) => accepted)).toBe(true);
    expect(await opened).toMatchObject({ scope, worker: 'worker_1', seconds: 0.5 });
    const before = tasks.ran.all.length;
    tasks.down = false;
    await closed;
    expect(tasks.ran.all.length).toBeGreaterThan(before);
    await tasks.succeeded.first((uuid) => uuid !== undefined && new Set(tasks.succeeded.all).size === 40, 'all of them');
    expect(dead).toEqual([]);
  });
});
