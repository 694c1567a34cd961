import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../../lib/errors.js';
import { resolveConfig } from '../../../../lib/dispatcher/config/resolve-config.js';
import type { ServerConfig } from '../../../../lib/dispatcher/config/server-config.js';

const minimal: ServerConfig = { exchange: 'tasks', defaultRoutingKey: 'key' };

function refusal(config: unknown, environment = {}): string {
  try {
    resolveConfig(config as ServerConfig, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

describe('resolveConfig', () => {
  it('fills in the documented defaults', () => {
    expect(resolveConfig(minimal).broker.reveal()).toBe('amqp://guest:guest@localhost:5672/');
    expect(resolveConfig(minimal)).toMatchObject({
      role: 'both', enhancers: 'local', debugMode: false, queues: [], workers: [],
      reconnection: { retries: 'forever' }, tls: undefined, maxTaskBytes: 16 * 1024 * 1024,
      startupTimeoutMs: 30_000, shutdownTimeoutMs: 25_000, publishTimeoutMs: 30_000, warnings: [],
    });
  });

  it('warns of a memory that other processes on the broker do not have', () => {
    expect(resolveConfig({ ...minimal, resultBackend: 'embedded:' }).warnings).toEqual([expect.stringMatching(/memory of this process.*Leave resultBackend out/)]);
    expect(resolveConfig({ ...minimal, broker: 'embedded:./folder', resultBackend: 'embedded:#x' }).warnings).toHaveLength(1);
    for (const config of [{ broker: 'embedded:', resultBackend: 'embedded:' }, { resultBackend: 'embedded:./folder' }, { resultBackend: 'redis://localhost' }]) {
      expect(resolveConfig({ ...minimal, ...config }).warnings).toEqual([]);
    }
  });

  it.each([
    [undefined, /must be an object/],
    [{ defaultRoutingKey: 'key' }, /exchange is required.*exchange: 'tasks'/],
    [{ exchange: 'tasks' }, /defaultRoutingKey is required/],
    [{ ...minimal, exchange: '' }, /exchange is required and must not be empty/],
    [{ ...minimal, exchange: 'x'.repeat(201) }, /exchange has 201 bytes; at most 200/],
    [{ ...minimal, exchange: 'amq.direct' }, /exchange is "amq.direct".*belong to RabbitMQ/],
    [{ ...minimal, exchange: 'tasks\n' }, /exchange has a line break, which RabbitMQ removes/],
    [{ ...minimal, defaultRoutingKey: 'k\rey' }, /defaultRoutingKey has a line break/],
    [{ ...minimal, defaultRoutingKey: 'x'.repeat(251) }, /251 bytes/],
    [{ ...minimal, workers: [{ name: 'w', queue: 'a\nb' }] }, /workers\[0\]\.queue has a line break/],
    [{ ...minimal, workers: [{ name: 'w', queue: 'amq.gen' }] }, /belong to RabbitMQ/],
    [{ ...minimal, workers: [{ name: 'w', queue: 'q', bindingKeys: ['a\r\n'] }] }, /bindingKeys\[0\] has a line break/],
    [{ ...minimal, exchnage: 'a' }, /no option "exchnage".*"exchange"/],
    [{ ...minimal, wholly_different: 1 }, /The options are: broker, exchange/],
    [{ ...minimal, broker: 'localhost' }, /without a scheme/],
    [{ ...minimal, initQueues: {} }, /initQueues must be a list/],
    [{ ...minimal, initQueues: [{ name: '' }] }, /initQueues\[0\]\.name is required/],
    [{ ...minimal, initQueues: [{ name: 'q', bindingKeys: [''] }] }, /initQueues\[0\]\.bindingKeys\[0\] is required and must not be empty/],
    [{ ...minimal, initQueues: [{ name: 'q', bindingKeys: 'key' }] }, /must be a list of strings/],
    [{ ...minimal, initQueues: [{ name: 'q', typ: 'quorum' }] }, /no option "typ".*"type"/],
    [{ ...minimal, initQueues: [{ name: 'q', type: 'stream' }] }, /"classic", "quorum"/],
    [{ ...minimal, initQueues: [{ name: 'amq.q' }] }, /belong to RabbitMQ/],
    [{ initQueues: [{ name: 'q', bindingKeys: ['key'] }], defaultRoutingKey: 'key' }, /exchange is required/],
    [{ ...minimal, workers: [{ queue: 'q' }] }, /workers\[0\]\.name is required/],
    [{ ...minimal, workers: [{ name: 'w' }] }, /workers\[0\]\.queue is required/],
    [{ ...minimal, workers: [{ name: 'w', queue: 'q' }, { name: 'w', queue: 'r' }] }, /workers\[0\] and workers\[1\] are both named "w"/],
    [{ ...minimal, workers: [{ name: 'w', queue: 'q', limit: -1 }] }, /limit must be a whole number of at least 0/],
    [{ ...minimal, workers: [{ name: 'w', queue: 'q', concurrency: 3 }] }, /no option "concurrency"/],
    [{ ...minimal, initQueues: [{ name: 'q', type: 'quorum' }], workers: [{ name: 'w', queue: 'q' }] }, /queue "q" cannot be of two types: initQueues says type: 'quorum', and worker "w" says type: 'classic' \(the default\)\. Write the same/],
    [{ ...minimal, workers: [{ name: 'v', queue: 'q', type: 'server-default' }, { name: 'w', queue: 'q', type: 'quorum' }] }, /worker "v" says type: 'server-default', and worker "w" says type: 'quorum'/],
    [{ ...minimal, reconnectionRetries: -1 }, /reconnectionRetries must be a whole number/],
    [{ ...minimal, reconnectionRetries: 1.5 }, /reconnectionRetries must be a whole number/],
    [{ ...minimal, reconnectionIntervalSeconds: Infinity }, /reconnectionIntervalSeconds must be a number of seconds/],
    [{ ...minimal, shutdownTimeoutSeconds: -1 }, /shutdownTimeoutSeconds/],
    [{ ...minimal, shutdownTimeoutSeconds: 3e6 }, /from 0 to 2147483/],
    [{ ...minimal, startupTimeoutSeconds: 0 }, /more than 0/],
    [{ ...minimal, maxTaskBytes: 0 }, /maxTaskBytes/],
    [{ ...minimal, debugMode: 'yes' }, /debugMode must be true or false/],
    [{ ...minimal, role: 'sender' }, /role must be one of "both", "publisher", "worker"/],
    [{ ...minimal, role: 'worker' }, /workers is empty/],
    [{ ...minimal, enhancers: 'some' }, /enhancers must be one of/],
    [{ ...minimal, logger: { info: () => undefined } }, /methods log, warn and error/],
    [{ ...minimal, broker: 'amqps://host/', secureConnection: false }, /secureConnection is false, but broker says amqps/],
    [{ ...minimal, tlsConfig: {}, secureConnection: false }, /tlsConfig is given/],
    [{ ...minimal, broker: 'embedded:', tlsConfig: {} }, /reached over a network/],
  ])('refuses %j', (config, text) => {
    expect(refusal(config)).toMatch(text);
  });

  it('never shows a password', () => {
    expect(refusal({ ...minimal, broker: '//guest:secret@host' })).not.toContain('secret');
  });

  it('lets DISPATCHER_ROLE win, and refuses what it cannot mean', () => {
    expect(resolveConfig({ ...minimal, role: 'both' }, { DISPATCHER_ROLE: 'publisher' }).role).toBe('publisher');
    expect(resolveConfig({ ...minimal, role: 'publisher' }, { DISPATCHER_ROLE: '' }).role).toBe('publisher');
    expect(refusal(minimal, { DISPATCHER_ROLE: 'sender' })).toMatch(/DISPATCHER_ROLE \(environment\) must be one of/);
  });

  it.each([
    [{}, { retries: 'forever' }],
    [{ reconnectionRetries: 3 }, { retries: 3 }],
    [{ reconnectionRetries: 3, reconnectionRetriesForever: true }, { retries: 'forever' }],
    [{ reconnectionRetriesForever: false }, { retries: 0 }],
    [{ reconnectionIntervalSeconds: 0.5 }, { retries: 'forever', intervalMs: 500 }],
  ])('reads the reconnection of %j', (options, expected) => {
    expect(resolveConfig({ ...minimal, ...options }).reconnection).toEqual(expected);
  });

  it('turns TLS on for either option, and warns when verification is off', () => {
    expect(resolveConfig({ ...minimal, secureConnection: true })).toMatchObject({ tls: { force: true }, warnings: [] });
    const resolved = resolveConfig({ ...minimal, tlsConfig: { rejectUnauthorized: false } });
    expect(resolved.tls?.force).toBe(true);
    expect(resolved.tls?.options.reveal()).toEqual({ rejectUnauthorized: false });
    expect(resolved.warnings).toEqual([expect.stringMatching(/rejectUnauthorized is false.*tlsConfig\.ca/)]);
  });

  it('declares the queues of initQueues and of workers once, with the bindings of both', () => {
    const { queues } = resolveConfig({
      ...minimal, initQueues: [{ name: 'q', bindingKeys: ['a'] }], workers: [{ name: 'w', queue: 'q', bindingKeys: ['a', 'b'] }, { name: 'v', queue: 'r' }],
    });
    expect(queues).toEqual([{ name: 'q', type: 'classic', bindingKeys: ['a', 'b'] }, { name: 'r', type: 'classic', bindingKeys: [] }]);
  });
});
