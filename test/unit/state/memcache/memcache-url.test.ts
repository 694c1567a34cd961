import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../../lib/errors.js';
import { parseMemcacheUrl } from '../../../../lib/state/memcache/memcache-url.js';

describe('a memcache: URL', () => {
  it.each([
    ['memcache://h', { servers: ['h:11211'], tls: false, display: 'memcache://h:11211' }],
    ['memcache://h1,h2:1234,10.0.0.1/', { servers: ['h1:11211', 'h2:1234', '10.0.0.1:11211'], tls: false, display: 'memcache://h1:11211,h2:1234,10.0.0.1:11211' }],
    ['memcaches://h', { servers: ['h:11211'], tls: true, display: 'memcaches://h:11211' }],
  ])('%s', (url, servers) => {
    expect(parseMemcacheUrl(url)).toEqual(servers);
  });

  it.each(['memcache://', 'memcache://a,', 'memcache://a b', 'memcache://a:0', 'memcache://a:99999', 'memcache://u:p@a', 'memcache://a/b', 'memcache://[::1]'])('%s is refused', (url) => {
    expect(() => parseMemcacheUrl(url)).toThrow(ConfigurationError);
  });
});
