import { inspect } from 'node:util';
import { ModulesContainer } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DispatcherModule } from '../../../lib/nest/dispatcher.module.js';
import { DispatcherService } from '../../../lib/nest/dispatcher.service.js';
import type { ServerConfig } from '../../../lib/dispatcher/config/server-config.js';
import { BrokerUnavailableError } from '../../../lib/errors.js';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import { Secret } from '../../../lib/urls/secret.js';
import { formsOf, pathsTo } from '../../support/reachable.js';

const MARK = 'sEcret9';
/** Long enough not to be found by chance, and made of whatever people put into passwords. */
const passwords = fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 })).map(([a, b]) => `${a}${MARK}${b}`);

function shown(value: unknown): string[] {
  const printed = [inspect(value, { depth: 3, showHidden: true }), json(value)].flatMap((text) => formsOf(MARK).filter((form) => text.includes(form)));
  return [...printed, ...pathsTo(formsOf(MARK), value)];
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

const ADDRESS = '127.0.0.1:1';
const BROKERS = ['amqp', 'amqps'];
const STORES = ['amqp', 'redis', 'rediss', 'mongodb', 'none'];

function configOf(broker: string, store: string, password: string): ServerConfig {
  const user = `user:${encodeURIComponent(password)}`;
  return {
    broker: `${broker}://${user}@${ADDRESS}/`, ...(store === 'none' ? {} : { resultBackend: `${store}://${user}@${ADDRESS}` }),
    ...(broker === 'amqps' ? { tlsConfig: { passphrase: password } } : {}),
    exchange: 'tasks', defaultRoutingKey: 'tasks', workers: [{ name: 'w', queue: 'q' }], reconnectionRetries: 0,
  };
}

/** All that it may say while it cannot connect: events, logs, and what its promises reject with. */
async function failing(config: ServerConfig, later: boolean): Promise<unknown[]> {
  const said: unknown[] = [];
  const note = (...parts: unknown[]): void => { said.push(...parts); };
  const all = { ...config, logger: { log: note, warn: note, error: note, debug: note, verbose: note }, debugMode: true, startup: 'fail-fast' as const, publishTimeoutSeconds: 1 };
  const module = await Test.createTestingModule({ imports: [later ? DispatcherModule.forRootAsync({ useFactory: () => all }) : DispatcherModule.forRoot(all)] }).compile();
  const service = module.get(DispatcherService);
  service.events().subscribe(note);
  service.states.subscribe(note);
  note(...await Promise.all([module.init().catch((error: unknown) => error), service.publish('task', 1).catch((error: unknown) => error)]));
  note(service, service.worker('w'), service.schedules, service.deadLetters, module.get(ModulesContainer));
  await module.close().catch(note);
  return said;
}

describe('a secret', () => {
  it('is seen by nobody but whoever asks for it', () => {
    const secret = new Secret(`a${MARK}`);
    expect(secret.reveal()).toBe(`a${MARK}`);
    expect(shown({ secret, list: [secret] })).toEqual([]);
    expect(`${secret as unknown as string}`).toBe('***');
    expect({ ...secret }).toEqual({});
  });
});

describe('an application', () => {
  const cases = BROKERS.flatMap((broker) => STORES.map((store) => ({ broker, store })));

  it.each(cases)('shows no password of its URLs, whatever of it is printed ($broker, $store)', async ({ broker, store }) => {
    await fc.assert(fc.asyncProperty(passwords, fc.boolean(), async (password, later) => {
      const config = configOf(broker, store, password);
      const dispatcher = later ? DispatcherModule.forRootAsync({ useFactory: () => config }) : DispatcherModule.forRoot(config);
      const module = await Test.createTestingModule({ imports: [dispatcher] }).compile();
      const service = module.get(DispatcherService);
      for (const value of [service, module.get(DispatcherModule), module.get(ModulesContainer), module]) expect(shown(value)).toEqual([]);
    }), { numRuns: 3 });
  });

  it.each(BROKERS)('tells none while it cannot connect, in events, logs, errors and whatever it hands out (%s)', async (broker) => {
    await fc.assert(fc.asyncProperty(passwords, fc.boolean(), async (password, later) => {
      const said = await failing(configOf(broker, 'none', password), later);
      expect(said.some((value) => value instanceof BrokerUnavailableError)).toBe(true);
      for (const value of said) expect(shown(value)).toEqual([]);
    }), { numRuns: 3 });
  });
});

describe('a result backend', () => {
  it.each(['amqp', 'amqps', 'redis', 'rediss', 'mongodb'])('tells no password while it cannot connect (%s)', async (scheme) => {
    await fc.assert(fc.asyncProperty(passwords, async (password) => {
      const said: unknown[] = [];
      const backend = createResultBackend(`${scheme}://user:${encodeURIComponent(password)}@${ADDRESS}`, { exchange: 'tasks', connectTimeoutMs: 50, tls: { passphrase: password } });
      backend.events.subscribe((event) => { said.push(event); });
      const connecting = backend.connect().catch((error: unknown) => error);
      // In the midst of an attempt too, when the driver has its client.
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(shown(backend)).toEqual([]);
      said.push(await connecting, backend);
      await backend.close(0);
      for (const value of said) expect(shown(value)).toEqual([]);
    }), { numRuns: 3 });
  });

  it.each(['host:99999999/', 'host/db?replicaSet=a&x', '/db', 'host/d b?authMechanism=none', 'host:%zz/'])('repeats none of a URL that its driver refuses (mongodb, %s)', async (rest) => {
    const backend = createResultBackend(`mongodb://user:${MARK}@${rest}`, { connectTimeoutMs: 50 });
    const error: unknown = await backend.connect().catch((reason: unknown) => reason);
    await backend.close(0);
    expect(error).toBeInstanceOf(Error);
    expect(shown(error)).toEqual([]);
  });
});
