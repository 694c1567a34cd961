import { ConfigurationError } from '../errors.js';
import { refuseStrayCredentials } from '../urls/credentials.js';
import { Secret } from '../urls/secret.js';

/** Where the broker is and who we are there. */
export interface Endpoint {
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: Secret<string>;
  readonly vhost: string;
  readonly heartbeatSeconds: number;
  /** For people: no credentials. */
  readonly display: string;
}

const EXAMPLE = 'amqp://user:password@host:5672/vhost';

/**
 * Reads an AMQP URL. No user at all means guest:guest; no path, or `/`, means the virtual host `/`.
 * @throws ConfigurationError which never repeats the URL, for it may hold a password
 */
export function parseEndpoint(url: string, forceTls: boolean, defaultHeartbeatSeconds: number): Endpoint {
  refuseStrayCredentials(url, "The broker's URL");
  const parts = URL.canParse(url) ? new URL(url) : undefined;
  if (parts === undefined || (parts.protocol !== 'amqp:' && parts.protocol !== 'amqps:')) {
    throw new ConfigurationError(`The broker's URL is not an AMQP URL; write ${EXAMPLE}, with special characters percent-encoded.`);
  }
  const secure = forceTls || parts.protocol === 'amqps:';
  const hostname = decode(parts.hostname, 'host').replace(/^\[|\]$/g, '') || 'localhost';
  const port = parts.port === '' ? (secure ? 5671 : 5672) : Number(parts.port);
  const vhost = parts.pathname.length > 1 ? decode(parts.pathname.slice(1), 'virtual host') : '/';
  const anonymous = parts.username === '' && parts.password === '';
  return {
    secure,
    hostname,
    port,
    username: anonymous ? 'guest' : decode(parts.username, 'user name'),
    password: new Secret(anonymous ? 'guest' : decode(parts.password, 'password')),
    vhost,
    heartbeatSeconds: heartbeatOf(parts.searchParams, defaultHeartbeatSeconds),
    display: `${secure ? 'amqps' : 'amqp'}://${hostname.includes(':') ? `[${hostname}]` : hostname}:${port} (virtual host "${vhost}")`,
  };
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigurationError(`The ${what} in the broker's URL is not validly percent-encoded; write "%25" for "%", "%40" for "@", "%2F" for "/".`);
  }
}

function heartbeatOf(query: URLSearchParams, fallback: number): number {
  const text = query.get('heartbeat');
  if (text === null) return fallback;
  if (!/^\d{1,5}$/.test(text)) {
    throw new ConfigurationError(`"heartbeat" in the broker's URL is not a number of seconds; write ?heartbeat=15, for one.`);
  }
  return Number(text);
}
