import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../lib/errors.js';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import { loadPeer } from '../../../lib/state/load-peer.js';

describe('createResultBackend', () => {
  it.each(['embedded:', 'embedded:#name', 'embedded:./folder', 'redis://h', 'rediss://h', 'redis+socket:///x.sock', 'memcache://h', 'memcaches://h', 'mongodb://h', 'mongodb+srv://h'])('takes %s and opens nothing yet', (url) => {
    expect(createResultBackend(url).state.status).toBe('idle');
  });

  it.each(['amqp://user:secret@h', 'amqps://h'])('takes %s with an exchange, and says so when there is none', (url) => {
    expect(createResultBackend(url, { exchange: 'tasks' }).state.status).toBe('idle');
    expect(() => createResultBackend(url)).toThrow(/needs the dispatcher's exchange.*found none/);
    expect(() => createResultBackend(url, { exchange: '' })).toThrow(ConfigurationError);
    expect(() => createResultBackend(url, { exchange: 'x'.repeat(300) })).toThrow(ConfigurationError);
  });

  it.each([{ maxBytes: 0 }, { maxEntries: 1.5 }, { refreshMs: -1 }, { maxByte: 1 }])('refuses the ledger options %j', (ledger) => {
    expect(() => createResultBackend('amqp://h', { exchange: 'tasks', ledger })).toThrow(ConfigurationError);
  });

  it.each(['dynamodb://x', 'REDIS://x', '', 'redis', 'toString:x', 'https://user:secret@h'])('refuses "%s", and names the schemes', (url) => {
    expect(() => createResultBackend(url)).toThrow(ConfigurationError);
    expect(() => createResultBackend(url)).toThrow(/expected one of embedded: amqp: amqps: redis: .*mongodb:/);
    expect(() => createResultBackend(url)).not.toThrow(/secret/);
  });

  it.each(['embedded://host', 'embedded:#', 'embedded: ', 'embedded:\0'])('refuses %j', (url) => {
    expect(() => createResultBackend(url)).toThrow(/embedded:\.\/folder/);
  });

  it('refuses a prefix that no store could keep', () => {
    expect(() => createResultBackend('embedded:', { keyPrefix: 'with space' })).toThrow(ConfigurationError);
    expect(() => createResultBackend('embedded:', { keyPrefix: 'x'.repeat(65) })).toThrow(ConfigurationError);
  });
});

describe('a driver that is not installed', () => {
  const missing = (peer: string) => () => import(`${peer}`) as Promise<unknown>;

  it('is named, with the command that installs it', async () => {
    const error: unknown = await loadPeer('no-such-driver', 'redis:', missing('no-such-driver')).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toMatch(/npm install no-such-driver/);
  });

  it('is not blamed for what it fails to find itself', async () => {
    await expect(loadPeer('a-driver', 'redis:', missing('another-package'))).rejects.not.toThrow(ConfigurationError);
  });
});
