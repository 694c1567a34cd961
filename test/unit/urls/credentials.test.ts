import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEndpoint } from '../../../lib/amqp/endpoint.js';
import { ConfigurationError } from '../../../lib/errors.js';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import { parseRedisUrl } from '../../../lib/redis/redis-url.js';
import { refuseStrayCredentials, withoutPassword } from '../../../lib/urls/credentials.js';

/** What everything that takes a URL says of it: its display, or its refusal. */
const READERS: Readonly<Record<string, (url: string) => string>> = {
  amqp: (url) => parseEndpoint(url, false, 15).display,
  amqps: (url) => parseEndpoint(url, true, 15).display,
  redis: (url) => parseRedisUrl(url).display,
  rediss: (url) => parseRedisUrl(url).display,
  mongodb: (url) => { createResultBackend(url); return ''; },
  memcache: (url) => { createResultBackend(url); return ''; },
};

describe('refuseStrayCredentials', () => {
  it.each(['amqp://guest:4711/sEcret9@host/', 'amqp://guest:12#sEcret9@host/', 'amqp://guest:12?sEcret9@host/', 'redis://:4711/sEcret9@host', 'mongodb://me:pa/sEcret9@host/db', 'amqp://host/vhost#part'])(
    'refuses %s, says how to encode, and repeats nothing', (url) => {
      const refused = (): void => refuseStrayCredentials(url, 'broker');
      expect(refused).toThrow(ConfigurationError);
      expect(refused).toThrow(/%2F.*%3F.*%23/);
      expect(refused).not.toThrow(/sEcret9|4711/);
    });

  it.each(['amqp://host', 'amqp://guest:guest@host/', 'amqp://a:b%40c%2F@host:5672/%2Fteam?heartbeat=7', 'mongodb://u:p@a:1,b:2/db?replicaSet=x', 'embedded:#name', 'embedded:./a@b'])(
    'takes %s', (url) => expect(() => refuseStrayCredentials(url, 'broker')).not.toThrow());
});

describe('a password', () => {
  /** Long enough not to be found by chance, and made of whatever people put into passwords. */
  const passwords = fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 })).map(([a, b]) => `${a}sEcret9${b}`);

  it.each(Object.entries(READERS))('is never shown, whatever is in it and however it was encoded (%s)', (scheme, read) => {
    fc.assert(fc.property(passwords, fc.boolean(), fc.constantFrom('', '/', '/0', '/v'), (password, encoded, path) => {
      const url = `${scheme}://user:${encoded ? encodeURIComponent(password) : password}@host${path}`;
      let said: string;
      try {
        said = read(url);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigurationError);
        said = JSON.stringify([String(error), (error as ConfigurationError).fields]);
      }
      expect(said).not.toContain('sEcret9');
      expect(withoutPassword(`${scheme}://user:${encodeURIComponent(password)}@host${path}`)).not.toContain('sEcret9');
    }), { numRuns: 500 });
  });
});
