import { DEFAULT_LEDGER_OPTIONS, type LedgerOptions } from '../../state/amqp/ledger-options.js';
import { createResultBackend } from '../../state/create-result-backend.js';
import type { StateBackend } from '../../state/state-backend.js';
import type { Secret } from '../../urls/secret.js';
import type { ResolvedConfig } from '../config/resolve-config.js';

const RABBITMQ = /^amqps?:/i;
const REDIS = /^rediss?(\+[a-z]+)?:/i;

/** What the broker itself remembers for all processes. */
export function backendOfBroker(config: Pick<ResolvedConfig, 'broker' | 'exchange' | 'tls' | 'ledger' | 'consumerTimeoutMs'>): StateBackend {
  const url = config.broker.reveal();
  if (!REDIS.test(url)) return backendOf(config.broker, config);
  const { exchange, tls } = config;
  return createResultBackend(withTls(url, tls), { exchange, tls: tls?.options.reveal() });
}

/** The TLS of a broker on Redis, by its URL. */
function withTls(url: string, tls: ResolvedConfig['tls']): string {
  const readable = url.replace(REDIS, (scheme) => scheme.toLowerCase());
  return tls?.force === true ? readable.replace(/^redis(?=:|\+sentinel:)/, 'rediss') : readable;
}

/** The result backend of that URL; on RabbitMQ with the exchange and the TLS of the broker. Nothing is opened before `connect()`. */
export function backendOf(secret: Secret<string>, { exchange, tls, ledger, consumerTimeoutMs }: Pick<ResolvedConfig, 'exchange' | 'tls' | 'ledger' | 'consumerTimeoutMs'>): StateBackend {
  const url = secret.reveal();
  if (!RABBITMQ.test(url)) return createResultBackend(url);
  const readable = url.replace(RABBITMQ, (scheme) => (tls?.force === true ? 'amqps:' : scheme.toLowerCase()));
  return createResultBackend(readable, { exchange, ledger: ledgerWithin(consumerTimeoutMs, ledger), tls: tls?.options.reveal() });
}

/** Its records stay unsettled too: on a server that takes them away sooner, they are written anew sooner. */
function ledgerWithin(consumerTimeoutMs: number | undefined, ledger: LedgerOptions | undefined): LedgerOptions | undefined {
  if (consumerTimeoutMs === undefined || consumerTimeoutMs / 3 >= DEFAULT_LEDGER_OPTIONS.refreshMs) return ledger;
  return { refreshMs: Math.ceil(consumerTimeoutMs / 3), ...ledger };
}
