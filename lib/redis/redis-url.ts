import { ConfigurationError } from '../errors.js';
import { refuseStrayCredentials } from '../urls/credentials.js';
import { Secret } from '../urls/secret.js';

export interface HostAndPort { readonly host: string; readonly port: number }

/** A Redis server and how to be let in. */
export interface RedisEndpoint {
  readonly host?: string;
  readonly port?: number;
  /** A Unix socket, instead of host and port. */
  readonly path?: string;
  /** Further nodes of the same cluster, for when the first is away. */
  readonly others?: readonly HostAndPort[];
  /** Who knows which server is the primary, and under which name; instead of host and port. */
  readonly sentinel?: { readonly primary: string; readonly hosts: readonly HostAndPort[] };
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: Secret<string>;
  readonly database: number;
  /** Without the password. */
  readonly display: string;
}

const FORMS = 'redis://:password@host:6379/0, rediss://... (TLS), redis+socket://password@/path/to/redis.sock:/0 or redis+sentinel://:password@sentinel1:26379,sentinel2:26379/name-of-primary/0';

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

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
  const isSentinel = scheme.endsWith('+sentinel:');
  const [single, further] = firstOfHosts(url);
  if (further.length > 0 && !isSentinel && whose === 'result backend') {
    throw malformed(whose, scheme, 'it names several hosts; one Redis (or the address of its primary) is expected');
  }
  const parsed = read(single, whose, scheme);
  const hosts = [parsed, ...further.map((host) => read(`redis://${host}`, whose, scheme))].map((one) => hostOf(one, isSentinel ? SENTINEL_PORT : REDIS_PORT));
  const credentials = parsed.password === '' ? credentialsOf(whose, '', parsed.username) : credentialsOf(whose, parsed.username, parsed.password);
  const shown = `${scheme}//${hosts.map(({ host, port }) => `${host}:${port}`).join(',')}`;
  const common = { tls: scheme.startsWith('rediss'), ...credentials };
  if (isSentinel) {
    const [, primary, database = ''] = /^\/([^/]+)(?:\/(\d*))?$/.exec(parsed.pathname) ?? [];
    if (primary === undefined) throw malformed(whose, scheme, 'its path is not the name of a primary, as the sentinels know it, and the number of a database');
    return { sentinel: { primary: decode(whose, primary, 'name of the primary'), hosts }, ...common, database: Number(database), display: `${shown}/${primary}/${Number(database)}` };
  }
  const database = parsed.pathname.replace(/^\//, '');
  if (!/^\d*$/.test(database)) throw malformed(whose, scheme, `its path is no number, and only the number of a database is expected there`);
  const [{ host, port }, ...others] = hosts as [HostAndPort, ...HostAndPort[]];
  return { host, port, ...(others.length === 0 ? {} : { others }), ...common, database: Number(database), display: `${shown}/${Number(database)}` };
}

/** The URL with its first host alone, and the others. */
function firstOfHosts(url: string): [single: string, others: string[]] {
  const [, before, hosts = '', after] = /^([^/]*\/\/(?:[^/]*@)?)([^/?#@]*)(.*)$/s.exec(url) ?? [];
  const [first, ...others] = hosts.split(',');
  return [before === undefined ? url : `${before}${first}${after}`, others];
}

function read(url: string, whose: string, scheme: string): URL {
  try {
    return new URL(url);
  } catch {
    // Without the text: it may hold a password.
    throw malformed(whose, scheme, 'it is not a URL');
  }
}

function hostOf({ hostname, port }: URL, defaultPort: number): HostAndPort {
  return { host: hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost', port: Number(port || defaultPort) };
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
