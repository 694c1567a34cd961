import { ConfigurationError } from '../errors.js';
import { refuseStrayCredentials } from '../urls/credentials.js';
import { Secret } from '../urls/secret.js';

/** A Redis server and how to be let in. */
export interface RedisEndpoint {
  readonly host?: string;
  readonly port?: number;
  /** A Unix socket, instead of host and port. */
  readonly path?: string;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: Secret<string>;
  readonly database: number;
  /** Without the password. */
  readonly display: string;
}

const FORMS = 'redis://:password@host:6379/0, rediss://... (TLS) or redis+socket://password@/path/to/redis.sock:/0';

/**
 * Reads the forms that machinery takes, and the usual ones. A name without a password is machinery's
 * way to write a password.
 *
 * @param whose whom the URL belongs to, for the texts of errors
 * @throws ConfigurationError
 */
export function parseRedisUrl(url: string, whose = 'result backend'): RedisEndpoint {
  return url.startsWith('redis+socket:') ? parseSocketUrl(url, whose) : parseNetworkUrl(url, whose);
}

function parseSocketUrl(url: string, whose: string): RedisEndpoint {
  const parts = /^redis\+socket:\/\/(?:([^@/]*)@)?(\/[^?#]*?)(?::\/?(\d*))?$/.exec(url);
  if (parts === null) throw malformed(whose, 'redis+socket:', 'it names no path of a socket');
  const [, userinfo = '', path, database = ''] = parts as unknown as [string, string?, string?, string?];
  const separator = userinfo.indexOf(':');
  const credentials = separator < 0 ? credentialsOf(whose, '', userinfo) : credentialsOf(whose, userinfo.slice(0, separator), userinfo.slice(separator + 1));
  return { path, tls: false, ...credentials, database: Number(database), display: `redis+socket://${path}:/${Number(database)}` };
}

function parseNetworkUrl(url: string, whose: string): RedisEndpoint {
  const scheme = url.slice(0, url.indexOf(':') + 1);
  refuseStrayCredentials(url, `The ${scheme} URL of the ${whose}`);
  if (/^[^/]*\/\/[^/]*,/.test(url)) throw malformed(whose, scheme, 'it names several hosts; one Redis (or the address of its primary) is expected');
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    // Without the text: it may hold a password.
    throw malformed(whose, scheme, 'it is not a URL');
  }
  const database = parsed.pathname.replace(/^\//, '');
  if (!/^\d*$/.test(database)) throw malformed(whose, scheme, `its path is no number, and only the number of a database is expected there`);
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost';
  const port = Number(parsed.port || 6379);
  return {
    host, port, tls: parsed.protocol === 'rediss:', database: Number(database),
    ...(parsed.password === '' ? credentialsOf(whose, '', parsed.username) : credentialsOf(whose, parsed.username, parsed.password)),
    display: `${parsed.protocol}//${host}:${port}/${Number(database)}`,
  };
}

function credentialsOf(whose: string, username: string, password: string): Pick<RedisEndpoint, 'username' | 'password'> {
  return {
    ...(username === '' ? {} : { username: decode(whose, username, 'user name') }),
    ...(password === '' ? {} : { password: new Secret(decode(whose, password, 'password')) }),
  };
}

function decode(whose: string, text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed(whose, 'redis:', `its ${what} is not validly percent-encoded; write "%25" for "%"`);
  }
}

function malformed(whose: string, scheme: string, found: string): ConfigurationError {
  return new ConfigurationError(`The ${scheme} URL of the ${whose} cannot be used: ${found}. Write ${FORMS}.`);
}
