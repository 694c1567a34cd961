import { ConfigurationError } from '../../errors.js';
import { refuseStrayCredentials } from '../../urls/credentials.js';
import { Secret } from '../../urls/secret.js';

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
 * @throws ConfigurationError
 */
export function parseRedisUrl(url: string): RedisEndpoint {
  return url.startsWith('redis+socket:') ? parseSocketUrl(url) : parseNetworkUrl(url);
}

function parseSocketUrl(url: string): RedisEndpoint {
  const parts = /^redis\+socket:\/\/(?:([^@/]*)@)?(\/[^?#]*?)(?::\/?(\d*))?$/.exec(url);
  if (parts === null) throw malformed('redis+socket:', 'it names no path of a socket');
  const [, userinfo = '', path, database = ''] = parts as unknown as [string, string?, string?, string?];
  const separator = userinfo.indexOf(':');
  const credentials = separator < 0 ? credentialsOf('', userinfo) : credentialsOf(userinfo.slice(0, separator), userinfo.slice(separator + 1));
  return { path, tls: false, ...credentials, database: Number(database), display: `redis+socket://${path}:/${Number(database)}` };
}

function parseNetworkUrl(url: string): RedisEndpoint {
  const scheme = url.slice(0, url.indexOf(':') + 1);
  refuseStrayCredentials(url, `The ${scheme} URL of the result backend`);
  if (/^[^/]*\/\/[^/]*,/.test(url)) throw malformed(scheme, 'it names several hosts; one Redis (or the address of its primary) is expected');
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    // Without the text: it may hold a password.
    throw malformed(scheme, 'it is not a URL');
  }
  const database = parsed.pathname.replace(/^\//, '');
  if (!/^\d*$/.test(database)) throw malformed(scheme, `its path is no number, and only the number of a database is expected there`);
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost';
  const port = Number(parsed.port || 6379);
  return {
    host, port, tls: parsed.protocol === 'rediss:', database: Number(database),
    ...(parsed.password === '' ? credentialsOf('', parsed.username) : credentialsOf(parsed.username, parsed.password)),
    display: `${parsed.protocol}//${host}:${port}/${Number(database)}`,
  };
}

function credentialsOf(username: string, password: string): Pick<RedisEndpoint, 'username' | 'password'> {
  return {
    ...(username === '' ? {} : { username: decode(username, 'user name') }),
    ...(password === '' ? {} : { password: new Secret(decode(password, 'password')) }),
  };
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed('redis:', `its ${what} is not validly percent-encoded; write "%25" for "%"`);
  }
}

function malformed(scheme: string, found: string): ConfigurationError {
  return new ConfigurationError(`The ${scheme} URL of the result backend cannot be used: ${found}. Write ${FORMS}.`);
}
