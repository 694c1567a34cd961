import { AmqpBroker } from '../brokers/amqp/amqp-broker.js';
import type { Broker } from '../brokers/broker.js';
import { RedisBroker } from '../brokers/redis/redis-broker.js';
import { EmbeddedBroker } from '../brokers/embedded/embedded-broker.js';
import { parseEmbeddedUrl } from '../brokers/embedded/embedded-url.js';
import { ConfigurationError } from '../errors.js';
import { makeOwnBroker } from './config/own-broker.js';
import type { ResolvedConfig } from './config/resolve-config.js';

/** Makes the broker that a configuration names, without connecting it. */
export type BrokerFactory = (config: ResolvedConfig, dispatcherName: string) => Broker;

/** By the scheme of its URL, or as the application says. @throws ConfigurationError for a scheme that no broker has, and for what is no broker */
export const createBroker: BrokerFactory = (config, dispatcherName) => {
  const { exchange, tls, ownBroker } = config;
  if (ownBroker !== undefined) return makeOwnBroker(ownBroker, { exchange, dispatcher: dispatcherName, publishTimeoutMs: config.publishTimeoutMs, takeoverMs: config.takeoverMs, reconnection: config.reconnection });
  const url = config.broker.reveal();
  const scheme = url.slice(0, url.indexOf(':')).toLowerCase();
  switch (scheme) {
    case 'amqp': case 'amqps': return new AmqpBroker({
      url, exchange, tls: tls && { ...tls, options: tls.options.reveal() }, reconnection: config.reconnection,
      connectionName: `nestjs-dispatcher:${dispatcherName}:${process.pid}`,
      consumerTimeoutMs: config.consumerTimeoutMs,
      publishing: { maxWaitMs: config.publishTimeoutMs },
    });
    case 'redis': case 'rediss': case 'redis+socket': case 'redis+sentinel': case 'rediss+sentinel': return new RedisBroker({
      url: url.replace(/^[^:]+/, scheme), exchange, tls: tls?.options.reveal(), forceTls: tls?.force, reconnection: config.reconnection,
      connectionName: `nestjs-dispatcher:${dispatcherName}:${process.pid}`,
      silentMs: config.takeoverMs, publishing: { maxWaitMs: config.publishTimeoutMs },
    });
    case 'embedded': return new EmbeddedBroker({ exchange, ...parseEmbeddedUrl(url), publishTimeoutMs: config.publishTimeoutMs });
    default: throw new ConfigurationError(
      `broker has the scheme "${scheme}:", which no broker has. Write amqp: or amqps: for RabbitMQ, redis: or rediss: for Redis, or embedded: for no server; or give a Broker of your own.`, { option: 'broker', scheme });
  }
};
