import { connect, type AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import type { AmqpBrokerOptions } from '../../lib/brokers/amqp/amqp-broker-options.js';
import { BrokerRefusedError } from '../../lib/errors.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';

/** For tests alone: self-signed, for localhost and 127.0.0.1, until 2120. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDnIzGXSbim7I2Yr7
e9RdONjoS86YMh1XnDgGyx8ErC2hRANCAATi1jN8O8YNpmwaGflAkWh4TGAeV0ww
9UOchBqv0Y9R2O0VKVlJk5YPbqHVYnR1BVVjcXWSKQ5zwTmaB+SGhNdf
-----END PRIVATE KEY-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBezCCASCgAwIBAgIUZqcJpuarlPjOS6wIAB0N2oQCkrcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
MDAwMDAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATi1jN8O8YNpmwaGflAkWh4TGAeV0ww9UOchBqv0Y9R2O0VKVlJk5YP
bqHVYnR1BVVjcXWSKQ5zwTmaB+SGhNdfo04wTDAaBgNVHREEEzARgglsb2NhbGhv
c3SHBH8AAAEwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUoHi/qRoAQG75fT/E
MMn/0mFFrFswCgYIKoZIzj0EAwIDSQAwRgIhAP0DT7f+uGs/g1Jni6+7mHE0xhYT
ikLcGIGVwTx5lJPuAiEArCB/f9TV6JUeCUPy/SJJpFYVeT/RIuQsYK05BI+g9q0=
-----END CERTIFICATE-----`;

/** A relay that speaks TLS before a RabbitMQ that does not. */
describe('TLS to RabbitMQ', () => {
  const plain = new URL(sharedRabbitMqUrl());
  const exchange = uniqueName('amqp-tls');
  let relay: Server;
  let broker: AmqpBroker;

  const make = (scheme: string, tls?: AmqpBrokerOptions['tls'], host = '127.0.0.1'): AmqpBroker => {
    const url = `${scheme}://${plain.username}:${plain.password}@${host}:${(relay.address() as AddressInfo).port}${plain.pathname}`;
    return (broker = new AmqpBroker({ url, exchange, reconnection: { retries: 'forever' }, ...(tls === undefined ? {} : { tls }) }));
  };

  beforeAll(async () => {
    relay = createServer({ key: KEY, cert: CERTIFICATE }, (client) => {
      const server = connect(Number(plain.port || 5672), plain.hostname);
      client.on('error', () => server.destroy());
      server.on('error', () => client.destroy());
      client.pipe(server).pipe(client);
    });
    relay.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => relay.close(resolve));
    await removeExchange(plain.href, exchange);
  });
  afterEach(() => broker.close(2000));

  it('is refused at once when the certificate is not known, without being told to verify', async () => {
    const error = await make('amqps').connect().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BrokerRefusedError);
    expect((error as BrokerRefusedError).message).toMatch(/TLS verification failed/);
  });

  it.each([
    ['the URL', 'amqps', {}],
    ['the option', 'amqp', { force: true }],
  ])('connects, publishes and counts when the certificate is known (TLS by %s)', async (_name, scheme, more) => {
    const one = make(scheme, { options: { ca: CERTIFICATE }, ...more });
    await one.connect();
    const queue = `${exchange}.${scheme}`;
    await one.declare({ queues: [{ name: queue, bindingKeys: [scheme] }] });
    await Promise.all(Array.from({ length: 500 }, (_, n) => one.publish({ body: Buffer.alloc(n * 10), properties: {} }, { routingKey: scheme })));
    expect(await one.depth(queue)).toBe(500);
    await removeExchange(plain.href, exchange, [queue]);
  });

  it('is refused when the certificate is for another name', async () => {
    await expect(make('amqps', { options: { ca: CERTIFICATE, servername: 'elsewhere.example' } }).connect()).rejects.toThrow(BrokerRefusedError);
  });

  it('is refused when the port speaks no TLS', async () => {
    broker = new AmqpBroker({ url: plain.href, exchange, reconnection: { retries: 'forever' }, tls: { force: true } });
    await expect(broker.connect()).rejects.toThrow(BrokerRefusedError);
  });

  it('connects unverified only when told to by name', async () => {
    await make('amqps', { options: { rejectUnauthorized: false } }).connect();
    expect(broker.state.status).toBe('ready');
  });
});
