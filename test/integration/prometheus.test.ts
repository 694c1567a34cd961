import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { DispatcherModule, DispatcherService, Task } from '../../lib/index.js';
import { DispatcherPrometheusModule } from '../../lib/prometheus/index.js';
import { DispatcherHealthIndicator, DispatcherTerminusModule } from '../../lib/terminus/index.js';
import { KeptLog } from '../support/nest-app.js';
import { noPrometheus, PrometheusServer, promtool } from '../support/prometheus.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { uniqueName } from '../support/shared-rabbitmq.js';
import { emission, eventually } from '../support/wait.js';

@Injectable()
class Tasks {
  failures = 0;
  @Task('add') add(a: number, b: number): number { return a + b; }
  @Task('flaky', { retry: { attempts: 2, backoff: 'fixed', delaySeconds: 0.05, jitter: 0 } }) flaky(): void { if (this.failures-- > 0) throw new RangeError('oops'); }
  @Task('fails') fails(): void { throw new RangeError('oops'); }
}

/** As docs/kubernetes.md has it. */
@Controller('health')
class Probes {
  constructor(@Inject(HealthCheckService) private readonly health: HealthCheckService, @Inject(DispatcherHealthIndicator) private readonly dispatcher: DispatcherHealthIndicator) {}

  @Get('ready') @HealthCheck() ready() { return this.health.check([() => this.dispatcher.readiness('dispatcher')]); }
  @Get('live') @HealthCheck() live() { return this.health.check([() => this.dispatcher.liveness('dispatcher')]); }
}

describe.skipIf(noPrometheus !== undefined)(`a real Prometheus${noPrometheus === undefined ? '' : ` (${noPrometheus})`}`, () => {
  let node: RabbitMqNode;
  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());

  it('sees what is published, waits, runs and fails, before, while and after the broker is away; the pod lives and is not ready meanwhile', async () => {
    const exchange = uniqueName('prometheus');
    const module = await Test.createTestingModule({
      imports: [
        DispatcherModule.forRoot({
          broker: node.url, exchange, defaultRoutingKey: 'key', logger: new KeptLog(), reconnectionIntervalSeconds: 0.2, publishTimeoutSeconds: 0.5,
          initQueues: [{ name: `${exchange}.idle`, bindingKeys: ['idle'] }], workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['key'], limit: 5 }],
        }),
        DispatcherPrometheusModule.forRoot({ collectTimeoutMs: 500 }), DispatcherTerminusModule,
      ],
      providers: [Tasks], controllers: [Probes],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    onTestFinished(() => app.close());
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const service = app.get(DispatcherService);
    const prometheus = await PrometheusServer.start(new URL(url).host);
    onTestFinished(() => prometheus.stop());
    const becomes = (expr: string, expected: number): Promise<unknown> => (
      eventually(async () => (await prometheus.query(expr)).map(({ value }) => value), (values) => values.length === 1 && values[0] === expected, `${expr} to be ${expected}`, { limitMs: 60_000, everyMs: 200 }));
    const status = async (path: string): Promise<number> => (await fetch(`${url}/health/${path}`)).status;

    app.get(Tasks).failures = 1;
    await service.publishMany(Array.from({ length: 20 }, () => ({ name: 'add', args: [{ type: 'int' as const, value: 1 }, { type: 'int' as const, value: 2 }] })));
    await Promise.all([service.publish('flaky'), service.publish('fails'), service.publish({ name: 'add', routingKey: 'idle' }), service.publish('add', { args: [1, 2], delaySeconds: 600 })]);
    await expect(service.publish({ name: 'add', routingKey: 'nowhere' })).rejects.toThrow();

    const queue = `messaging_destination_name="${exchange}.q"`;
    await becomes(`dispatcher_task_outcomes_total{${queue},dispatcher_task_name="add",dispatcher_outcome="succeeded"}`, 20);
    await becomes(`dispatcher_task_outcomes_total{${queue},dispatcher_task_name="flaky",dispatcher_outcome="retried"}`, 1);
    await becomes(`dispatcher_task_outcomes_total{${queue},dispatcher_task_name="flaky",dispatcher_outcome="succeeded"}`, 1);
    await becomes(`dispatcher_task_outcomes_total{${queue},dispatcher_task_name="fails",dispatcher_outcome="dead",dispatcher_reason="failed"}`, 1);
    await becomes(`sum(messaging_client_sent_messages_total{error_type=""})`, 24);
    await becomes(`messaging_client_sent_messages_total{error_type="ERR_DISPATCHER_UNROUTABLE"}`, 1);
    await becomes(`sum(messaging_client_consumed_messages_total{${queue}})`, 23);
    await becomes(`sum(messaging_process_duration_seconds_count{${queue}})`, 23);
    await becomes(`sum(dispatcher_task_wait_seconds_count{${queue}})`, 22);
    await becomes(`dispatcher_queue_dead{${queue}}`, 1);
    await becomes(`dispatcher_queue_depth{messaging_destination_name="${exchange}.idle"}`, 1);
    await becomes('dispatcher_delayed', 1);
    await becomes(`dispatcher_worker_limit{${queue}}`, 5);
    await becomes(`dispatcher_worker_consuming{${queue}}`, 1);
    await becomes('dispatcher_broker_connected', 1);
    await becomes('count(ALERTS{alertname="DispatcherDeadLetters",alertstate="firing"})', 1);
    expect(await Promise.all([status('live'), status('ready')])).toEqual([200, 200]);

    const lost = emission(service.events(), ({ type }) => type === 'broker.connection-lost', 'the loss');
    await node.kill9();
    await lost;
    await becomes('dispatcher_broker_connected', 0);
    await becomes('dispatcher_broker_connection_losses_total', 1);
    // Scraped all the while; what only the broker knows is not there, instead of standing still.
    await becomes('up{job="app"}', 1);
    await eventually(() => prometheus.query('dispatcher_queue_depth'), (found) => found.length === 0, 'the depth to be gone', { limitMs: 30_000, everyMs: 200 });
    await eventually(() => status('ready'), (code) => code === 503, 'readiness to say no');
    expect(await status('live')).toBe(200);

    const connected = emission(service.events(), ({ type }) => type === 'broker.connected', 'the reconnect', 60_000);
    await node.start();
    await connected;
    await service.publish('add', 1, 2);
    await becomes('dispatcher_broker_connected', 1);
    await becomes(`dispatcher_task_outcomes_total{${queue},dispatcher_task_name="add",dispatcher_outcome="succeeded"}`, 21);
    await becomes(`dispatcher_queue_depth{messaging_destination_name="${exchange}.idle"}`, 1);
    await becomes('min_over_time(up{job="app"}[5m])', 1);
    expect(await Promise.all([status('live'), status('ready')])).toEqual([200, 200]);

    const text = await (await fetch(`${url}/metrics`)).text();
    expect(promtool(['check', 'metrics'], text)).toBe('');
  }, 240_000);
});
