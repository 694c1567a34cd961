import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { AmqpBrokerOptions } from '../../lib/brokers/amqp/amqp-broker-options.js';
import { BrokerError, BrokerRefusedError, BrokerUnavailableError, PublishTimeoutError, ShutdownError } from '../../lib/errors.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { Ledger } from '../support/ledger.js';
import { openSockets } from '../support/open-sockets.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { openTimers } from '../support/timer-origins.js';
import { emission, eventually, pause, within } from '../support/wait.js';

const url = sharedRabbitMqUrl();

describe('the connection to RabbitMQ', () => {
  let exchange: string;
  let queue: string;
  let proxy: TcpProxy;
  let through: string;
  let broker: AmqpBroker | undefined;

  const make = (options: Partial<AmqpBrokerOptions> = {}): AmqpBroker =>
    (broker = new AmqpBroker({ url: through, exchange, heartbeatSeconds: 1, reconnection: { retries: 'forever', intervalMs: 10 }, ...options }));
  const becomes = (one: AmqpBroker, status: string): Promise<unknown> => emission(one.states, (state) => state.status === status, `status ${status}`);
  const send = (one: AmqpBroker, uuid: string): Promise<void> => one.publish({ body: Buffer.from(uuid), properties: { messageId: uuid } }, { routingKey: 'key' });

  beforeEach(async () => {
    exchange = uniqueName('amqp-connection');
    queue = `${exchange}.q`;
    ({ proxy, url: through } = await TcpProxy.before(url));
  });

  afterEach(async () => {
    await broker?.close(1000);
    broker = undefined;
    await proxy.close();
    await removeExchange(url, exchange, [queue]);
  });

  it('notices a peer that fell silent, and delivers what was under way over a new connection', async () => {
    const one = make();
    await one.connect();
    await one.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
    proxy.set('freeze');
    const lost = becomes(one, 'lost');
    const sent = Promise.all(Array.from({ length: 100 }, (_, n) => send(one, `m${n}`)));
    await lost;
    proxy.set('pass');
    await sent;
    expect(await one.depth(queue)).toBeGreaterThanOrEqual(100);
  });

  it('notices a socket that closed without an end and without an error, and leaves none of its timers', async () => {
    const one = make({ heartbeatSeconds: 60 });
    await one.connect();
    await one.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
    const lost = becomes(one, 'lost');
    const heartbeats = openTimers().filter((from) => from.includes('heartbeat')).length;
    openSockets().find(({ remotePort }) => remotePort === Number(new URL(through).port))?.destroy();
    await lost;
    await send(one, 'after');
    expect(await one.depth(queue)).toBe(1);
    expect(openTimers().filter((from) => from.includes('heartbeat'))).toHaveLength(heartbeats);
  });

  it('closes within its deadline though the peer is silent, and settles every publish', async () => {
    const one = make({ heartbeatSeconds: 0 });
    await one.connect();
    await one.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
    await one.consume(queue, { tag: 'test', prefetch: 1 }, () => undefined);
    proxy.set('freeze');
    const sent = send(one, 'unknown').catch((error: unknown) => error);
    await within(one.close(400), 5000, 'close');
    expect(await sent).toBeInstanceOf(PublishTimeoutError);
    expect(one.state.status).toBe('closed');
  });

  it('rejects an unconfirmed publish when its time is up, and says that it may have arrived', async () => {
    const one = make({ heartbeatSeconds: 0, publishing: { maxWaitMs: 100 } });
    await one.connect();
    await one.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
    proxy.set('freeze');
    await expect(send(one, 'a')).rejects.toThrow(/may still run/);
  });

  it('rejects an unsent publish when its time is up, and says that it did not arrive', async () => {
    const one = make({ publishing: { maxWaitMs: 100 } });
    await one.connect();
    const lost = becomes(one, 'lost');
    proxy.set('reset');
    await lost;
    // The first may still have gone out over the connection that falls second; then both are gone.
    await expect(send(one, 'first')).rejects.toThrow(BrokerError);
    await expect(send(one, 'second')).rejects.toThrow(/will not run/);
  });

  it('is broken when the retries are spent, tells so once, and rejects what waits', async () => {
    const one = make({ reconnection: { retries: 2, intervalMs: 10 } });
    const types: string[] = [];
    await one.connect();
    one.events.subscribe(({ type }) => types.push(type));
    const broken = becomes(one, 'broken');
    const lost = becomes(one, 'lost');
    proxy.set('reset');
    await lost;
    const waiting = send(one, 'a').catch((error: unknown) => error);
    await broken;
    // Unavailable, or of unknown outcome when it had gone out over the connection that fell second.
    expect(await waiting).toBeInstanceOf(BrokerError);
    await expect(send(one, 'b')).rejects.toThrow(BrokerUnavailableError);
    expect(types).toEqual(['broker.connection-lost', 'broker.connect-failed', 'broker.connect-failed', 'broker.broken']);
  });

  it('makes a lost connection not again with no retries', async () => {
    const one = make({ reconnection: { retries: 0 } });
    await one.connect();
    const broken = becomes(one, 'broken');
    proxy.resetAll();
    await broken;
    await eventually(() => proxy.connections, (open) => open === 0, 'no connection to be left');
  });

  it('counts the retries anew after each success', async () => {
    const one = make({ reconnection: { retries: 1, intervalMs: 10 } });
    await one.connect();
    for (let round = 0; round < 3; round++) {
      const lost = becomes(one, 'lost');
      proxy.resetAll();
      await lost;
      await becomes(one, 'ready');
    }
  });

  it('rejects at once when the password is wrong, without telling it', async () => {
    const wrong = new URL(through);
    wrong.password = 'sEcReT%2Fß';
    const error = await make({ url: wrong.href }).connect().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BrokerRefusedError);
    expect(JSON.stringify([error, (error as Error).message, (error as Error).stack])).not.toMatch(/sEcReT/);
    await eventually(() => proxy.connections, (open) => open === 0, 'no connection to be left');
  });

  it('rejects at once for an unknown virtual host', async () => {
    await expect(make({ url: `${through}no-such-host` }).connect()).rejects.toThrow(BrokerRefusedError);
  });

  it('rejects when nobody answers within the time to connect', async () => {
    proxy.set('freeze');
    await expect(make({ connectTimeoutMs: 100, reconnection: { retries: 1, intervalMs: 1 } }).connect()).rejects.toThrow(BrokerUnavailableError);
  });

  it('can be closed while it still connects', async () => {
    proxy.set('freeze');
    const one = make();
    const connecting = one.connect().catch((error: unknown) => error);
    await becomes(one, 'connecting');
    await one.close(1000);
    expect(await connecting).toBeInstanceOf(ShutdownError);
  });

  it('can connect after it has failed to', async () => {
    proxy.set('reset');
    const one = make({ reconnection: { retries: 0 } });
    await expect(one.connect()).rejects.toThrow(BrokerUnavailableError);
    proxy.set('pass');
    await one.connect();
    await one.declare({ queues: [{ name: queue, bindingKeys: ['key'] }] });
    await send(one, 'a');
  });

  it('reaches a steady state whenever it is cut, while connecting, declaring or at work, and loses nothing', async () => {
    const one = make();
    const ledger = new Ledger();
    await one.connect();
    await one.declare({ queues: Array.from({ length: 5 }, (_, n) => ({ name: n === 0 ? queue : `${queue}.${n}`, bindingKeys: n === 0 ? ['key'] : [] })) });
    await one.consume(queue, { tag: 'test', prefetch: 20 }, (delivery) => {
      ledger.add({ kind: 'finished', uuid: delivery.body.toString() });
      delivery.ack();
    });
    const offers: Promise<void>[] = [];
    let number = 0;
    for (let cut = 0; cut < 60; cut++) {
      for (let n = 0; n < 20; n++) {
        const uuid = `u${number++}`;
        offers.push(ledger.offer(uuid, () => send(one, uuid)));
      }
      await pause((cut * 7) % 23);
      proxy.resetAll();
    }
    await Promise.all(offers);
    await becomes(one, 'ready');
    await ledger.settled(20_000);
    await eventually(() => proxy.connections, (open) => open === 2, 'two connections and no more');
    expect({ lost: ledger.lost(), rejected: ledger.rejected.size }).toEqual({ lost: [], rejected: 0 });
    await removeExchange(url, exchange, [1, 2, 3, 4].map((n) => `${queue}.${n}`));
  });
});
