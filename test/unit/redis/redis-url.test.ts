import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../lib/errors.js';
import { parseRedisUrl } from '../../../lib/redis/redis-url.js';

describe('a redis: URL', () => {
  it.each([
    ['redis://localhost', { host: 'localhost', port: 6379, tls: false, database: 0, display: 'redis://localhost:6379/0' }],
    ['redis://', { host: 'localhost', port: 6379, tls: false, database: 0, display: 'redis://localhost:6379/0' }],
    ['redis://:p%40ss@h:7000/2', { host: 'h', port: 7000, tls: false, password: 'p@ss', database: 2, display: 'redis://h:7000/2' }],
    ['redis://pass@h', { host: 'h', port: 6379, tls: false, password: 'pass', database: 0, display: 'redis://h:6379/0' }],
    ['rediss://user:pass@h', { host: 'h', port: 6379, tls: true, username: 'user', password: 'pass', database: 0, display: 'rediss://h:6379/0' }],
    ['redis://[::1]:6380', { host: '::1', port: 6380, tls: false, database: 0, display: 'redis://::1:6380/0' }],
    ['redis+socket:///run/redis.sock', { path: '/run/redis.sock', tls: false, database: 0, display: 'redis+socket:///run/redis.sock:/0' }],
    ['redis+socket://pass@/run/redis.sock:/3', { path: '/run/redis.sock', tls: false, password: 'pass', database: 3, display: 'redis+socket:///run/redis.sock:/3' }],
    ['redis+socket://user:pass@/run/redis.sock:4', { path: '/run/redis.sock', tls: false, username: 'user', password: 'pass', database: 4, display: 'redis+socket:///run/redis.sock:/4' }],
  ])('%s', (url, endpoint) => {
    const { password, ...rest } = parseRedisUrl(url);
    expect({ ...rest, ...(password === undefined ? {} : { password: password.reveal() }) }).toEqual(endpoint);
  });

  it.each([
    ['redis://:pass@a:7000,b:7001,c/2', { host: 'a', port: 7000, others: [{ host: 'b', port: 7001 }, { host: 'c', port: 6379 }], tls: false, password: 'pass', database: 2, display: 'redis://a:7000,b:7001,c:6379/2' }],
    ['redis+sentinel://user:pass@a,b:26380/main/1', { sentinel: { primary: 'main', hosts: [{ host: 'a', port: 26379 }, { host: 'b', port: 26380 }] }, tls: false, username: 'user', password: 'pass', database: 1, display: 'redis+sentinel://a:26379,b:26380/main/1' }],
    ['rediss+sentinel://[::1]/main', { sentinel: { primary: 'main', hosts: [{ host: '::1', port: 26379 }] }, tls: true, database: 0, display: 'rediss+sentinel://::1:26379/main/0' }],
  ])('of a broker: %s', (url, endpoint) => {
    const { password, ...rest } = parseRedisUrl(url, 'broker');
    expect({ ...rest, ...(password === undefined ? {} : { password: password.reveal() }) }).toEqual(endpoint);
  });

  it.each(['redis+sentinel://a', 'redis+sentinel://a/', 'redis+sentinel://:secret@a/main/x', 'redis+sentinel://:secret@a:b/main'])('%s is refused, also by a broker', (url) => {
    expect(() => parseRedisUrl(url, 'broker')).toThrow(ConfigurationError);
    expect(() => parseRedisUrl(url, 'broker')).not.toThrow(/secret/);
  });

  it.each(['redis://a,b', 'redis://:secret@h/name', 'redis://:secret@h:port/0', 'redis+socket://secret@', 'redis+socket://host/x'.replace('/x', '')])('%s is refused, without its password', (url) => {
    expect(() => parseRedisUrl(url)).toThrow(ConfigurationError);
    expect(() => parseRedisUrl(url)).not.toThrow(/secret/);
  });
});
