import type { ResolvedConfig } from './config/resolve-config.js';

/** Where a dispatcher's tasks go. @publicApi */
export interface DispatcherDestination {
  /** `dispatcher` is a broker of this library's own, which is embedded. */
  readonly system: 'rabbitmq' | 'dispatcher';
  readonly exchange: string;
  /** By which the broker is reached, where it is a server. */
  readonly host?: string;
  readonly port?: number;
}

const PORTS: Readonly<Record<string, number>> = { 'amqp:': 5672, 'amqps:': 5671 };

/** Of the broker's URL that alone which is no secret. */
export function destinationOf({ broker, exchange }: Pick<ResolvedConfig, 'broker' | 'exchange'>): DispatcherDestination {
  const url = broker.reveal();
  if (!/^amqps?:/i.test(url)) return { system: 'dispatcher', exchange };
  try {
    const { protocol, hostname, port } = new URL(url);
    return { system: 'rabbitmq', exchange, host: hostname === '' ? 'localhost' : hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? PORTS[protocol] : Number(port) };
  } catch {
    return { system: 'rabbitmq', exchange };
  }
}
