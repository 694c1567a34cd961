import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { carryContext, contractText, DispatcherModule, DispatcherService, type Parsed, readContract, Task } from 'nestjs-dispatcher';
import { DispatcherOpenTelemetryModule } from 'nestjs-dispatcher/opentelemetry';
import { DISPATCHER_REGISTRY, DispatcherPrometheusModule } from 'nestjs-dispatcher/prometheus';
import { DispatcherHealthIndicator, DispatcherTerminusModule } from 'nestjs-dispatcher/terminus';
import { DispatcherTesting } from 'nestjs-dispatcher/testing';
import type { Registry } from 'prom-client';
import { z } from 'zod';

// What the pages of the documentation show, each once, in an application of a user.

const Order = z.object({ id: z.number().int().positive() });
const storage = new AsyncLocalStorage<{ tenant: string }>();
const carried = carryContext<{ tenant: string }>({ read: () => storage.getStore(), run: (values, next) => storage.run(values, next) });
const exporter = new InMemorySpanExporter();

@Injectable()
class OrderTasks {
  readonly shipped: unknown[] = [];

  @Task('order.ship', { schema: Order, description: 'Ships an order.' })
  ship(order: Parsed<typeof Order>): void {
    this.shipped.push([order.id, storage.getStore()?.tenant]);
  }
}

describe('what the documentation shows', () => {
  it('works in an application of a user', async () => {
    const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    provider.register();
    const testing = new DispatcherTesting();
    const builder = Test.createTestingModule({
      imports: [
        DispatcherModule.forRoot({
          exchange: 'shop', defaultRoutingKey: 'orders', workers: [{ name: 'worker', queue: 'orders', bindingKeys: ['orders'] }],
          middleware: { publish: [carried.publish], run: [carried.run] },
        }),
        DispatcherOpenTelemetryModule.forRoot(), DispatcherPrometheusModule.forRoot(), TerminusModule.forRoot({ logger: false }), DispatcherTerminusModule,
      ],
      providers: [OrderTasks],
    });
    const module = await testing.override(builder).compile();
    await module.init();
    const dispatcher = module.get(DispatcherService);

    await storage.run({ tenant: 'acme' }, () => dispatcher.client(OrderTasks).ship({ id: 7 }));
    await expect(dispatcher.publish('order.ship', { id: -7 })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_INVALID_ARGUMENTS' });
    await testing.drain();
    expect(module.get(OrderTasks).shipped).toEqual([[7, 'acme']]);

    const { tasks } = readContract(contractText(dispatcher.contract(), 'yaml'));
    expect(tasks).toMatchObject([{ name: 'order.ship', description: 'Ships an order.', arguments: [{ schema: { type: 'object', required: ['id'] } }] }]);

    const [sent, processed] = ['send', 'process'].map((operation) => exporter.getFinishedSpans().find(({ name, status }) => name.startsWith(operation) && status.code !== 2));
    expect(processed?.spanContext().traceId).toBe(sent?.spanContext().traceId);
    expect(processed?.parentSpanContext?.spanId).toBe(sent?.spanContext().spanId);

    const metrics = await module.get<Registry>(DISPATCHER_REGISTRY, { strict: false }).metrics();
    expect(metrics).toMatch(/dispatcher_task_outcomes_total\{[^}]*dispatcher_task_name="order\.ship"[^}]*dispatcher_outcome="succeeded"[^}]*\} 1/);

    const [health, indicator] = [module.get(HealthCheckService, { strict: false }), module.get(DispatcherHealthIndicator, { strict: false })];
    expect(await health.check([() => indicator.readiness('dispatcher')])).toMatchObject({ status: 'ok', info: { dispatcher: { status: 'up' } } });

    await module.close();
    await provider.shutdown();
  });
});
