import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DispatcherModule, DispatcherService, Task } from '../../../lib/index.js';
import { DISPATCHER_REGISTRY, DispatcherPrometheusModule, type PrometheusOptions } from '../../../lib/prometheus/index.js';
import { prometheusName } from '../../../lib/prometheus/prometheus-name.js';
import { METRICS } from '../../../lib/telemetry/metric-table.js';
import { KeptLog, startApp, startFailure, testConfig } from '../../support/nest-app.js';
import { emission } from '../../support/wait.js';

@Injectable()
class Tasks {
  @Task('add') add(a: number, b: number): number { return a + b; }
  @Task('fails') fails(): void { throw new RangeError('oops'); }
}

const MEMORY = testConfig({ broker: 'embedded:' }, new KeptLog());

async function start(options: PrometheusOptions = {}) {
  const module = await Test.createTestingModule({ imports: [DispatcherModule.forRoot(MEMORY), DispatcherPrometheusModule.forRoot(options)], providers: [Tasks] }).compile();
  const app = module.createNestApplication({ logger: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  return { app, service: app.get(DispatcherService), url: await app.getUrl() };
}

/** Lines of samples, by name and labels. */
function samples(text: string): Map<string, number> {
  return new Map(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

describe('metrics for Prometheus', () => {
  it('are served by a controller, and tell what has happened and what is', async () => {
    const { service, url } = await start();
    const dead = emission(service.events(), ({ type }) => type === 'task.dead-lettered', 'the dead letter');
    await service.publish('add', 1, 2);
    await service.publish('fails');
    await expect(service.publish({ name: 'add', routingKey: 'nowhere' })).rejects.toThrow();
    await dead;
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const found = samples(await response.text());
    const of = (name: string): [string, number][] => [...found].filter(([line]) => line.startsWith(`${name}{`) && !line.includes('le="')).map(([line, value]) => [line.slice(name.length), value]);
    expect(Object.fromEntries(of('dispatcher_task_outcomes_total'))).toEqual({
      '{messaging_destination_name="queue_1",dispatcher_task_name="add",dispatcher_outcome="succeeded",dispatcher_name="default"}': 1,
      '{messaging_destination_name="queue_1",dispatcher_task_name="fails",dispatcher_outcome="dead",dispatcher_reason="failed",dispatcher_name="default"}': 1,
    });
    expect(of('messaging_client_sent_messages_total').map(([, value]) => value)).toEqual([1, 1, 1]);
    expect(of('messaging_process_duration_seconds_count').map(([, value]) => value)).toEqual([1, 1]);
    expect(of('dispatcher_task_wait_seconds_count').map(([, value]) => value)).toEqual([1, 1]);
    expect(of('dispatcher_queue_dead')).toEqual([['{messaging_destination_name="queue_1",dispatcher_name="default"}', 1]]);
    expect(of('dispatcher_queue_depth')).toEqual([['{messaging_destination_name="queue_1",dispatcher_name="default"}', 0]]);
    expect(of('dispatcher_broker_connected')).toEqual([['{dispatcher_name="default"}', 1]]);
    expect(of('dispatcher_worker_limit')).toEqual([['{dispatcher_worker_name="worker_1",messaging_destination_name="queue_1",dispatcher_name="default"}', 3]]);
  });

  it('are in a registry of the application, without a controller, and gone from it with the application', async () => {
    const registry = new Registry();
    const { app, url } = await start({ registry });
    expect(app.get(DISPATCHER_REGISTRY)).toBe(registry);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    expect(registry.getMetricsAsArray().map(({ name }) => name).sort()).toEqual(Object.values(METRICS).map(prometheusName).sort());
    await app.close();
    expect(registry.getMetricsAsArray()).toEqual([]);
  });

  it('stand where they are asked to, beside those of the application', async () => {
    const registry = new Registry();
    const { url } = await start({ registry, path: 'internal/metrics', queues: false, durationBuckets: [1, 2] });
    const text = await (await fetch(`${url}/internal/metrics`)).text();
    expect(text).toContain('# TYPE messaging_process_duration_seconds histogram');
    expect([...samples(text).keys()].filter((line) => line.startsWith('dispatcher_queue_'))).toEqual([]);
  });

  it('are told while the broker is away, without what only it knows, and at once', async () => {
    const { app, broker } = await startApp({ providers: [Tasks], imports: [DispatcherPrometheusModule.forRoot()] });
    const registry = app.get<Registry>(DISPATCHER_REGISTRY);
    broker.become('lost');
    const found = samples(await registry.metrics());
    expect(found.get('dispatcher_broker_connected{dispatcher_name="default"}')).toBe(0);
    expect([...found.keys()].filter((line) => /^dispatcher_(queue|delayed|undelivered)/.test(line))).toEqual([]);
  });

  it.each<[unknown, RegExp]>([
    [{ port: 1 }, /knows no option "port"/], [{ registry: {} }, /^registry .* Registry of prom-client/], [{ path: 7 }, /^path .* or false; found 7/], [{ path: '' }, /^path/],
    [{ dispatchers: [1] }, /^dispatchers/],
  ])('are refused with %j', (options, text) => {
    expect(() => DispatcherPrometheusModule.forRoot(options as PrometheusOptions)).toThrow(text);
  });

  it('are refused twice in one registry, and of a dispatcher that is not there', async () => {
    const registry = new Registry();
    const module = (options: PrometheusOptions) => DispatcherPrometheusModule.forRoot({ path: false, ...options });
    expect((await startFailure({ imports: [module({ registry }), module({ registry, queues: false })] })).message).toMatch(/already been registered/);
    expect((await startFailure({ imports: [module({ dispatchers: ['mail'] })] })).message).toMatch(/"mail", which this application does not have/);
  });
});
