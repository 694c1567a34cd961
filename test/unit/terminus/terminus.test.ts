import { Controller, Get, Inject, type Type } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DispatcherModule, type ServerConfig } from '../../../lib/index.js';
import { BROKER_FACTORY } from '../../../lib/nest/dispatcher.module.js';
import { DispatcherHealthIndicator, DispatcherTerminusModule } from '../../../lib/terminus/index.js';
import { LoopbackBroker } from '../../support/loopback-broker.js';
import { KeptLog, testConfig } from '../../support/nest-app.js';

@Controller()
class Probes {
  constructor(@Inject(HealthCheckService) private readonly health: HealthCheckService, @Inject(DispatcherHealthIndicator) private readonly dispatcher: DispatcherHealthIndicator) {}

  @Get('ready') @HealthCheck() ready() { return this.health.check([() => this.dispatcher.readiness('tasks')]); }
  @Get('strict') @HealthCheck() strict() { return this.health.check([() => this.dispatcher.readiness('tasks', { whenDegraded: 'down' })]); }
  @Get('live') @HealthCheck() live() { return this.health.check([() => this.dispatcher.liveness('tasks')]); }
}

interface Bed { broker: LoopbackBroker; indicator: DispatcherHealthIndicator; probe(path: string): Promise<{ status: number; body: unknown }> }

async function start(config: Partial<ServerConfig> = {}, controllers: Type[] = [Probes]): Promise<Bed> {
  const broker = new LoopbackBroker();
  const module = await Test.createTestingModule({ imports: [DispatcherModule.forRoot(testConfig(config, new KeptLog())), DispatcherTerminusModule], controllers })
    .overrideProvider(BROKER_FACTORY).useValue(() => broker).compile();
  const app = module.createNestApplication({ logger: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return {
    broker, indicator: app.get(DispatcherHealthIndicator),
    probe: async (path) => {
      const response = await fetch(`${url}/${path}`);
      return { status: response.status, body: await response.json() };
    },
  };
}

describe('the probes of terminus', () => {
  it('say of a dispatcher that works that it is ready and lives, and what it has', async () => {
    const { probe } = await start();
    for (const path of ['ready', 'strict', 'live']) {
      expect(await probe(path)).toMatchObject({ status: 200, body: { status: 'ok', info: { tasks: { status: 'up', dispatcher: 'up', connection: 'ready', workers: 1, lostConsumers: [], paused: 0 } } } });
    }
  });

  it('let an outage be bridged: it is not ready once publishing waits in vain, and lives all the same', async () => {
    const { probe, broker } = await start({ publishTimeoutSeconds: 0.05 });
    broker.become('lost');
    expect(await probe('strict')).toMatchObject({ status: 503, body: { error: { tasks: { status: 'down', connection: 'lost' } } } });
    await expect.poll(async () => (await probe('ready')).status).toBe(503);
    expect(await probe('live')).toMatchObject({ status: 200, body: { info: { tasks: { dispatcher: 'down', connection: 'lost' } } } });
    broker.become('ready');
    for (const path of ['ready', 'strict', 'live']) expect((await probe(path)).status).toBe(200);
  });

  it('say that a new start is needed where the connection was given up', async () => {
    const { probe, broker } = await start();
    broker.become('broken');
    expect(await probe('live')).toMatchObject({ status: 503, body: { error: { tasks: { status: 'down', dispatcher: 'down', connection: 'broken' } } } });
    expect((await probe('ready')).status).toBe(503);
  });

  it('are of the dispatcher that is named, and say which there is not', async () => {
    const { indicator } = await start({ name: 'orders' } as Partial<ServerConfig>, []);
    expect(indicator.readiness('x', { dispatcher: 'orders' })).toMatchObject({ x: { status: 'up' } });
    expect(() => indicator.readiness('x')).toThrow(/^There is no dispatcher "default" in this application/);
    expect(() => indicator.readiness('x', { dispatcher: 'orders', whenDegraded: 'maybe' as never })).toThrow(/^whenDegraded must be 'up' or 'down'; found "maybe"/);
  });
});
