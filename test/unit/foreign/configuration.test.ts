import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../lib/errors.js';
import { resolveConfig } from '../../../lib/dispatcher/config/resolve-config.js';
import { golden } from '../../support/golden.js';

const resolve = (foreignResults: unknown) => resolveConfig({ exchange: 'tasks', defaultRoutingKey: 'tasks', foreignResults } as never);

describe('foreignResults', () => {
  it('are none where none are said', () => {
    expect(resolve(undefined).foreignResults).toEqual([]);
  });

  it('have the expiry of their system, or one of their own', () => {
    const [machinery] = resolve({ machinery: 'redis://:secret@localhost:6379/0' }).foreignResults;
    expect(machinery).toMatchObject({ format: 'machinery', expiresInMs: 3_600_000 });
    expect(JSON.stringify(machinery)).not.toContain('secret');
    expect(resolve({ machinery: { url: 'memcache://localhost', expiresInSeconds: 5 } }).foreignResults).toMatchObject([{ expiresInMs: 5_000 }]);
  });

  it.each([
    [5, /foreignResults must be/], [{ machinary: 'redis://localhost' }, /machinary/], [{ machinery: 5 }, /foreignResults\.machinery/], [{ machinery: 'http://user:secret@localhost' }, /redis:.*found a URL of the form "http:"/],
    [{ machinery: {} }, /must be the URL of the store/], [{ machinery: { url: 'redis://localhost', ttl: 1 } }, /ttl/], [{ machinery: { url: 'redis://localhost', expiresInSeconds: 0 } }, /expiresInSeconds/],
  ])('what cannot work is refused, without what may be a password: %j', (given, text) => {
    expect(() => resolve(given)).toThrow(ConfigurationError);
    expect(() => resolve(given)).toThrow(text);
    expect(() => resolve(given)).not.toThrow(/secret/);
  });

  it('decide whether a member of a chord can be run', () => {
    const message = golden('machinery', 'chord-member-1');
    const read = (foreign: unknown) => {
      const { formats, format } = resolve(foreign);
      return formats.reading(format).decode(message).arrived;
    };
    expect(read(undefined)?.unsupported).toMatch(/foreignResults: \{ machinery/);
    expect(read({ machinery: 'redis://localhost:6379/0' })?.unsupported).toBe(undefined);
  });
});
