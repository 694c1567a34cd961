import { ConfigurationError } from '../../errors.js';

export interface MemcacheServers {
  /** `host:port` each. */
  readonly servers: readonly string[];
  readonly tls: boolean;
  readonly display: string;
}

/**
 * `memcache://host1,host2:11212`, as in machinery; `memcaches://...` speaks TLS.
 * @throws ConfigurationError
 */
export function parseMemcacheUrl(url: string): MemcacheServers {
  const parts = /^(memcaches?):\/\/([^/?#]+)\/?$/.exec(url);
  const servers = parts?.[2]?.split(',').map(serverOf);
  if (servers === undefined || servers.includes(undefined)) {
    throw new ConfigurationError('The memcache: URL of the result backend cannot be used. Write memcache://host1,host2:11211 (names or IPv4 addresses, the port is 11211 unless given, nothing else).');
  }
  const scheme = parts?.[1] as string;
  return { servers: servers as string[], tls: scheme === 'memcaches', display: `${scheme}://${servers.join(',')}` };
}

function serverOf(text: string): string | undefined {
  const [, host, port = '11211'] = /^([A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  return host === undefined || Number(port) < 1 || Number(port) > 65535 ? undefined : `${host}:${port}`;
}
