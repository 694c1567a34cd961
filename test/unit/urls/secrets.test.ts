import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { ModulesContainer } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import fc from 'fast-check';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chain, task } from '../../../lib/index.js';
import { BROKER_FACTORY, DispatcherModule } from '../../../lib/nest/dispatcher.module.js';
import { DispatcherService } from '../../../lib/nest/dispatcher.service.js';
import type { ServerConfig } from '../../../lib/dispatcher/config/server-config.js';
import { BrokerRefusedError, BrokerUnavailableError, ResultBackendRefusedError } from '../../../lib/errors.js';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import { Secret } from '../../../lib/urls/secret.js';
import { LoopbackBroker } from '../../support/loopback-broker.js';
import { mongodbDoor } from '../../support/mongodb-door.js';
import { formsOf, pathsTo } from '../../support/reachable.js';

const MARK = 'sEcret9';
/** Long enough not to be found by chance, and made of whatever people put into passwords. */
const passwords = fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 })).map(([a, b]) => `${a}${MARK}${b}`);

/** Where a secret is seen; by default each that has the mark. */
function shown(value: unknown, forms = formsOf(MARK)): string[] {
  const printed = [inspect(value, { depth: 3, showHidden: true }), json(value)].flatMap((text) => forms.filter((form) => text.includes(form)));
  return [...printed, ...pathsTo(forms, value)];
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

/** Encrypted, and not with any passphrase that is given here. */
const KEY = generateKeyPairSync('ec', {
  namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'another' },
}).privateKey;
/** The passphrase, and a line of the key. */
const OF_TLS = [...formsOf(MARK), KEY.split('\n')[1]!];

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

let mongodb: Awaited<ReturnType<typeof mongodbDoor>>;
beforeAll(async () => { mongodb = await mongodbDoor(); });
afterAll(() => mongodb.close());

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

  it('shows none in what it hands out: published tasks and workflows, handles, outcomes, workers, reports', async () => {
    await fc.assert(fc.asyncProperty(passwords, async (password) => {
      const config = { ...configOf('amqps', 'none', password), resultBackend: 'embedded:', tlsConfig: { key: KEY, passphrase: password } };
      const broker = new LoopbackBroker();
      const module = await Test.createTestingModule({ imports: [DispatcherModule.forRoot(config)] }).overrideProvider(BROKER_FACTORY).useValue(() => broker).compile();
      await module.init();
      const service = module.get(DispatcherService);
      const worker = await service.createWorker({ name: 'v', queue: 'p', bindingKeys: ['tasks'] }, { task: { function: () => 'done' } });
      await worker.start();
      const [sent, workflow, outcomes] = [await service.publish('task', { args: [1], result: true }), await service.publish(chain(task('task', [1]), task('task'))), await service.publishMany([{ name: 'task' }])];
      const reports = service.call('task', 1);
      const heard: unknown[] = [await sent.result(), await workflow.result(), await workflow.progress(), await service.task(sent.uuid).state(), await lastValueFrom(reports)];
      const all = [sent, workflow, outcomes, worker, reports, sent.reports(), service.task(sent.uuid), service.workflow(workflow.uuid), ...heard];
      for (const value of all) expect(shown(value, OF_TLS)).toEqual([]);
      expect(outcomes).toMatchObject([{ accepted: true }]);
      await module.close();
    }), { numRuns: 3 });
  });

  it('tells none where the passphrase of its key is wrong, and says that it is', async () => {
    await fc.assert(fc.asyncProperty(passwords, fc.boolean(), async (password, later) => {
      const said = await failing({ ...configOf('amqps', 'none', password), tlsConfig: { key: KEY, passphrase: password } }, later);
      expect(said.some((value) => value instanceof BrokerRefusedError && value.message.includes('the `passphrase` is that of the key'))).toBe(true);
      for (const value of said) expect(shown(value, OF_TLS)).toEqual([]);
    }), { numRuns: 3 });
  });

  it('tells none where MongoDB refuses its user', async () => {
    await fc.assert(fc.asyncProperty(passwords, fc.boolean(), async (password, later) => {
      const said = await failing({ ...configOf('amqp', 'none', password), broker: 'embedded:', resultBackend: `mongodb://user:${encodeURIComponent(password)}@127.0.0.1:${mongodb.port}/db` }, later);
      expect(said.some((value) => value instanceof ResultBackendRefusedError)).toBe(true);
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

  it.each(['amqps://', 'rediss://', 'mongodb://', 'memcaches://'])('tells no passphrase of its key where it is wrong (%s)', async (scheme) => {
    const backend = createResultBackend(`${scheme}${ADDRESS}${scheme === 'mongodb://' ? '/?tls=true' : ''}`, { exchange: 'tasks', connectTimeoutMs: 100, tls: { key: KEY, passphrase: MARK } });
    const said: unknown[] = [backend];
    backend.events.subscribe((event) => { said.push(event); });
    said.push(await backend.connect().catch((error: unknown) => error));
    await backend.close(0);
    expect(said.at(-1)).toBeInstanceOf(Error);
    for (const value of said) expect(shown(value, OF_TLS)).toEqual([]);
  });

  it('tells no password where MongoDB refuses its user', async () => {
    await fc.assert(fc.asyncProperty(passwords, async (password) => {
      const backend = createResultBackend(`mongodb://user:${encodeURIComponent(password)}@127.0.0.1:${mongodb.port}/db`, { connectTimeoutMs: 2_000 });
      const said: unknown[] = [backend];
      backend.events.subscribe((event) => { said.push(event); });
      const error: unknown = await backend.connect().catch((reason: unknown) => reason);
      await backend.close(0);
      expect(error).toBeInstanceOf(ResultBackendRefusedError);
      for (const value of [...said, error]) expect(shown(value)).toEqual([]);
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
