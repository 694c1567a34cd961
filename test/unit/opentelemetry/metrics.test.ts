import { metrics } from '@opentelemetry/api';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, type MetricData, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { Injectable } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Task } from '../../../lib/index.js';
import { DispatcherOpenTelemetryModule } from '../../../lib/opentelemetry/index.js';
import { METRICS } from '../../../lib/telemetry/metric-table.js';
import { startApp } from '../../support/nest-app.js';
import { emission } from '../../support/wait.js';

@Injectable()
class Tasks {
  @Task('add') add(a: number, b: number): number { return a + b; }
  @Task('fails') fails(): void { throw new RangeError('oops'); }
}

let exporter: InMemoryMetricExporter;
let provider: MeterProvider;

beforeEach(() => {
  exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })] });
  metrics.setGlobalMeterProvider(provider);
});
afterEach(async () => {
  metrics.disable();
  await provider.shutdown();
});

async function collected(): Promise<Map<string, MetricData>> {
  exporter.reset();
  await provider.forceFlush();
  return new Map(exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics).filter(({ scope }) => scope.name === 'nestjs-dispatcher')
    .flatMap(({ metrics: all }) => all).map((metric) => [metric.descriptor.name, metric]));
}

const points = (metric: MetricData | undefined): unknown[] => (metric?.dataPoints ?? []).map(({ attributes, value }) => ({ ...attributes, value: typeof value === 'number' ? value : value.count }));

describe('metrics for an SDK', () => {
  it('tell what has happened, and what is when somebody collects', async () => {
    const { service, broker } = await startApp({ providers: [Tasks], imports: [DispatcherOpenTelemetryModule.forRoot({ durationBuckets: [1, 2] })] });
    const dead = emission(service.events(), ({ type }) => type === 'task.dead-lettered', 'the dead letter');
    await service.publish('add', 1, 2);
    await service.publish('fails');
    await dead;
    const found = await collected();
    const system = { 'dispatcher.name': 'default', 'messaging.system.name': 'rabbitmq', 'server.address': 'localhost', 'server.port': 5672 };
    expect(points(found.get('messaging.client.sent.messages'))).toEqual(['add', 'fails'].map((name) => (
      { ...system, 'messaging.destination.name': 'tasks:key', 'messaging.operation.name': 'send', 'dispatcher.task.name': name, value: 1 })));
    expect(points(found.get('messaging.process.duration'))).toEqual([
      { ...system, 'messaging.destination.name': 'queue_1', 'messaging.operation.name': 'process', 'dispatcher.task.name': 'add', value: 1 },
      { ...system, 'messaging.destination.name': 'queue_1', 'messaging.operation.name': 'process', 'dispatcher.task.name': 'fails', 'error.type': 'RangeError', value: 1 },
    ]);
    expect(points(found.get('dispatcher.task.wait'))).toHaveLength(2);
    expect(found.get('messaging.process.duration')?.descriptor).toMatchObject({ unit: 's', advice: { explicitBucketBoundaries: [1, 2] } });
    expect(points(found.get('dispatcher.task.outcomes'))).toMatchObject([{ 'dispatcher.outcome': 'succeeded', value: 1 }, { 'dispatcher.outcome': 'dead', 'dispatcher.reason': 'failed', value: 1 }]);
    expect(points(found.get('dispatcher.worker.limit'))).toEqual([{ ...system, 'dispatcher.worker.name': 'worker_1', 'messaging.destination.name': 'queue_1', value: 3 }]);
    expect(points(found.get('dispatcher.broker.connected'))).toEqual([{ ...system, value: 1 }]);
    for (const name of found.keys()) expect(Object.values(METRICS).map((metric) => metric.name)).toContain(name);
    broker.become('lost');
    await expect.poll(async () => points((await collected()).get('dispatcher.broker.connected'))).toEqual([{ ...system, value: 0 }]);
  });

  it('switched off are not there', async () => {
    const { service } = await startApp({ providers: [Tasks], imports: [DispatcherOpenTelemetryModule.forRoot({ metrics: false })] });
    await service.publish('add', 1, 2);
    expect([...(await collected()).keys()]).toEqual([]);
  });
});
