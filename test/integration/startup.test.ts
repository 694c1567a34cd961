import { NestFactory } from '@nestjs/core';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DispatcherModule, DispatcherService, Task, type ServerConfig, type StartupMode } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { Arrivals, eventually } from '../support/wait.js';

const ran = new Arrivals<number>();

class Tasks {
  @Task('note') note(number: number): void { ran.add(number); }
}

let proxy: TcpProxy;
let url: string;
let exchange: string;
let log: KeptLog;
let app: INestApplicationContext | undefined;

beforeEach(async () => {
  ({ proxy, url } = await TcpProxy.before(sharedRabbitMqUrl()));
  exchange = uniqueName('startup');
  log = new KeptLog();
});

afterEach(async () => {
  await app?.close();
  app = undefined;
  await proxy.close();
  await removeExchange(sharedRabbitMqUrl(), exchange, [`${exchange}.q`]);
});

async function start(startup: StartupMode, more: Partial<ServerConfig> = {}): Promise<DispatcherService> {
  const dispatcher = DispatcherModule.forRoot({
    broker: url, exchange, defaultRoutingKey: 'key', startup, reconnectionIntervalSeconds: 0.1, logger: log, workers: [{ name: 'w', queue: `${exchange}.q`, bindingKeys: ['key'] }], ...more,
  });
  @Module({ imports: [dispatcher], providers: [Tasks] })
  class AppModule {}
  app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  return app.get(DispatcherService);
}

function withWrongPassword(): string {
  const wrong = new URL(url);
  wrong.password = 'wrong';
  return wrong.href;
}

/** Whatever came before the first connection. */
function expectNoLossTold(): void {
  expect(log.lines.map(({ message }) => message).join('\n')).not.toMatch(/\blost\b|Reconnecting/);
}

describe('a broker that is down at the start', () => {
  it('is waited for, within a limit (wait)', async () => {
    proxy.set('reset');
    await expect(start('wait', { startupTimeoutSeconds: 0.5 })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_BROKER_UNAVAILABLE' });
    expectNoLossTold();
  });

  it('keeps nobody from starting (background)', async () => {
    proxy.set('reset');
    const service = await start('background', { publishTimeoutSeconds: 0.5 });
    await expect(service.publish('note', 0)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_BROKER_UNAVAILABLE' });
    expect(service.health().status).toBe('down');
    expectNoLossTold();
  });

  it('ends the start at once (fail-fast)', async () => {
    proxy.set('reset');
    await expect(start('fail-fast', { startupTimeoutSeconds: 3_600 })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_BROKER_UNAVAILABLE' });
    expectNoLossTold();
  });
});

describe('a broker that comes up later', () => {
  it('is found by an application that waits (wait)', async () => {
    proxy.set('reset');
    const starting = start('wait', { startupTimeoutSeconds: 60 });
    await eventually(() => log.of('warn').some((line) => line.startsWith('Attempt 1 to connect failed')), Boolean, 'the first failed attempt');
    proxy.set('pass');
    const service = await starting;
    await service.publish('note', 1);
    await ran.first((number) => number === 1, 'the task');
    expectNoLossTold();
  });

  it('is found by an application that runs already (background)', async () => {
    proxy.set('reset');
    const service = await start('background');
    const published = service.publish('note', 2);
    await eventually(() => log.of('warn').some((line) => line.startsWith('Attempt 1 to connect failed')), Boolean, 'the first failed attempt');
    proxy.set('pass');
    await published;
    await ran.first((number) => number === 2, 'the task');
    expect(service.health().status).toBe('up');
    expectNoLossTold();
  });
});

describe('a broker that refuses the password', () => {
  it.each(['wait', 'fail-fast'] as const)('ends the start at once (%s)', async (startup) => {
    await expect(start(startup, { broker: withWrongPassword(), startupTimeoutSeconds: 3_600 })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_BROKER_REFUSED' });
    expectNoLossTold();
    expect(JSON.stringify(log.lines)).not.toContain('wrong');
  });

  it('is told of, and asked again after a minute (background)', async () => {
    const service = await start('background', { broker: withWrongPassword(), publishTimeoutSeconds: 1 });
    await eventually(() => log.of('error').some((line) => /application runs without it; next in 60 s: .*refused/.test(line)), Boolean, 'the refusal');
    await expect(service.publish('note', 3)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_BROKER_UNAVAILABLE', cause: { code: 'ERR_DISPATCHER_BROKER_REFUSED' } });
    expect(service.health()).toMatchObject({ status: 'down' });
    expectNoLossTold();
  });
});
