import { createResultBackend } from '../../results/create-result-backend.js';
import type { ResultBackend } from '../../results/result-backend.js';
import type { ResolvedConfig } from '../resolve-config.js';

const RABBITMQ = /^amqps?:/i;

/** The result backend of that URL; on RabbitMQ with the exchange and the TLS of the broker. Nothing is opened before `connect()`. */
export function backendOf(url: string, { exchange, tls, ledger }: Pick<ResolvedConfig, 'exchange' | 'tls' | 'ledger'>): ResultBackend {
  if (!RABBITMQ.test(url)) return createResultBackend(url);
  const readable = url.replace(RABBITMQ, (scheme) => (tls?.force === true ? 'amqps:' : scheme.toLowerCase()));
  return createResultBackend(readable, { exchange, ledger, ...(tls?.options === undefined ? {} : { tls: tls.options }) });
}
