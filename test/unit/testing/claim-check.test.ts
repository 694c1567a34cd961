import { Injectable } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { ClaimStoreError, Task, UnroutableTaskError, type ClaimStore, type ServerConfig } from '../../../lib/index.js';
import { startTested } from './tested-app.js';

/** As a store elsewhere. */
class Store implements ClaimStore {
  readonly bodies = new Map<string, Buffer>();
  isDown = false;
  hangs = false;
  gets = 0;

  put(key: string, body: Buffer): Promise<void> { return this.up(() => void this.bodies.set(key, Buffer.from(body))); }
  get(key: string): Promise<Buffer | undefined> { this.gets++; return this.up(() => this.bodies.get(key)); }
  delete(key: string): Promise<void> { return this.up(() => void this.bodies.delete(key)); }
  sweep(): Promise<number> { return this.up(() => { const { size } = this.bodies; this.bodies.clear(); return size; }); }

  private up<T>(answer: () => T): Promise<T> { if (this.hangs) return new Promise(() => undefined); return this.isDown ? Promise.reject(new Error('The store is away.')) : Promise.resolve(answer()); }
}

@Injectable()
class Tasks {
  readonly ran: string[] = [];
  mended = false;

  @Task('large') large(value: string): void { this.ran.push(value); }
  @Task('fails', { retry: { attempts: 2, delaySeconds: 1, jitter: 0 } }) fails(value: string): void {
    if (!this.mended) throw new Error('It fails.');
    this.ran.push(value);
  }
}

const VALUE = 'x'.repeat(5_000);

async function start(config: Partial<ServerConfig> = {}) {
  const store = new Store();
  const tested = await startTested({}, { claimCheck: { store, minBytes: 1_000, whenDone: 'delete' }, ...config }, [Tasks]);
  return { ...tested, store, tasks: tested.module.get(Tasks) };
}

describe.each<[string, Partial<ServerConfig>]>([
  ['', {}], [' that is signed and encrypted', { encryption: { keys: [{ id: 'k', secret: Buffer.alloc(32, 1) }], required: true }, signing: { keys: [{ id: 'k', secret: Buffer.alloc(32, 2) }], required: true } }],
])('a large body%s', (_title, config) => {
  it('is kept elsewhere until its task has run, and a small one is not', async () => {
    const { testing, dispatcher, store, tasks } = await start(config);
    await dispatcher.publish('large', 'small');
    expect(store.bodies.size).toBe(0);
    await dispatcher.publish({ name: 'large', args: [{ type: 'string', value: VALUE }], delaySeconds: 60 });
    expect([...store.bodies.values()].map((body) => body.length > 5_000)).toEqual([true]);
    await testing.clock.advance({ minutes: 2 });
    await testing.drain();
    expect(tasks.ran).toEqual(['small', VALUE]);
    await testing.clock.advance({ minutes: 2 });
    expect(store.bodies.size).toBe(0);
  });

  it('stays while its task is tried again and while it is a dead letter, and is there for a replay', async () => {
    const { testing, dispatcher, store, tasks } = await start(config);
    const { uuid } = await dispatcher.publish('fails', VALUE);
    await testing.clock.advance({ minutes: 1 });
    await testing.drain();
    expect(store.bodies.size).toBe(1);
    const { letters } = await dispatcher.deadLetters.list('mail');
    expect(letters).toMatchObject([{ uuid, name: 'fails', reason: 'failed', problem: expect.stringContaining('claim store') as string }]);
    expect(await dispatcher.deadLetters.get('mail', uuid)).toMatchObject({ name: 'fails', args: [{ value: VALUE }] });
    tasks.mended = true;
    expect(await dispatcher.deadLetters.replay('mail', uuid)).toBe(true);
    await testing.drain();
    await testing.clock.advance({ minutes: 2 });
    expect([tasks.ran, store.bodies.size]).toEqual([[VALUE], 0]);
  });

  it('is another one after a replay with other arguments', async () => {
    const { testing, dispatcher, store, tasks } = await start(config);
    const { uuid } = await dispatcher.publish('fails', VALUE);
    await testing.clock.advance({ minutes: 1 });
    await testing.drain();
    tasks.mended = true;
    expect(await dispatcher.deadLetters.replay('mail', uuid, { args: [{ type: 'string', value: 'mended' }] })).toBe(true);
    await testing.drain();
    expect(tasks.ran).toEqual(['mended']);
    // That of the dead letter is left to the sweep.
    expect([store.bodies.size, await dispatcher.sweepClaims(new Date())]).toEqual([1, 1]);
  });
});

describe('a body whose task is done', () => {
  it('stays, unless the configuration says that nobody else needs it', async () => {
    const store = new Store();
    const { testing, dispatcher, tasks } = await start({ claimCheck: { store, minBytes: 1_000 } });
    await dispatcher.publish('large', VALUE);
    await testing.drain();
    await testing.clock.advance({ minutes: 10 });
    expect([tasks.ran, store.bodies.size]).toEqual([[VALUE], 1]);
  });

  it('stays for a queue that takes the same routing key', async () => {
    const store = new Store();
    const workers = ['one', 'two'].map((queue) => ({ name: queue, queue, bindingKeys: ['tasks'] }));
    const { testing, dispatcher, tasks } = await start({ workers, claimCheck: { store, minBytes: 1_000 } });
    await dispatcher.publish('large', VALUE);
    await testing.drain();
    expect(tasks.ran).toEqual([VALUE, VALUE]);
  });

  it('is removed at once where its task reached nobody', async () => {
    const { dispatcher, store } = await start();
    await expect(dispatcher.publish({ name: 'large', args: [{ type: 'string', value: VALUE }], routingKey: 'nowhere' })).rejects.toBeInstanceOf(UnroutableTaskError);
    await vi.waitFor(() => { expect(store.bodies.size).toBe(0); });
  });

  it('is removed when the application ends in order', async () => {
    const { module, testing, dispatcher, store } = await start();
    await dispatcher.publish('large', VALUE);
    await testing.drain();
    expect(store.bodies.size).toBe(1);
    await module.close();
    expect(store.bodies.size).toBe(0);
  });
});

describe('a claim store that is away', () => {
  it('keeps a large task from being sent, and a small one not', async () => {
    const { testing, dispatcher, store } = await start();
    store.isDown = true;
    await expect(dispatcher.publish('large', VALUE)).rejects.toBeInstanceOf(ClaimStoreError);
    await dispatcher.publish('large', 'small');
    await testing.drain();
    expect(testing.published()).toMatchObject([{ args: ['small'] }]);
  });

  it('lets tasks wait, uncharged, until it is back', async () => {
    const { testing, dispatcher, store, tasks } = await start();
    await dispatcher.publish({ name: 'large', args: [{ type: 'string', value: VALUE }], delaySeconds: 1 });
    store.isDown = true;
    await testing.clock.advance({ hours: 1 });
    expect([tasks.ran, store.gets > 3]).toEqual([[], true]);
    store.isDown = false;
    await testing.clock.advance({ minutes: 1 });
    await testing.drain();
    expect([tasks.ran, [...new Set(testing.outcomes.map(({ state }) => state))]]).toEqual([[VALUE], ['returned', 'succeeded']]);
  });

  it('and hangs is given up in time, on both sides', async () => {
    const store = new Store();
    const { testing, dispatcher, tasks } = await start({ claimCheck: { store, minBytes: 1_000, timeoutSeconds: 5 } });
    await dispatcher.publish({ name: 'large', args: [{ type: 'string', value: VALUE }], delaySeconds: 1 });
    store.hangs = true;
    const refused = dispatcher.publish('large', VALUE).catch((error: unknown) => error);
    await testing.clock.advance({ minutes: 1 });
    expect(await refused).toMatchObject({ code: 'ERR_DISPATCHER_CLAIM_STORE', retryable: true, message: expect.stringContaining('It has not answered within 5 s') as string });
    expect(tasks.ran).toEqual([]);
    store.hangs = false;
    await testing.clock.advance({ minutes: 2 });
    expect(tasks.ran).toEqual([VALUE]);
  });

  it('that lost a body makes the task a dead letter of its own reason', async () => {
    const { testing, dispatcher, store } = await start();
    await dispatcher.publish({ name: 'large', args: [{ type: 'string', value: VALUE }], delaySeconds: 1 });
    store.bodies.clear();
    await testing.clock.advance({ minutes: 5 });
    await testing.drain();
    expect((await dispatcher.deadLetters.list('mail')).letters).toMatchObject([{ name: 'large', reason: 'claim-missing' }]);
  });

  it('that gives another body than was put makes it a dead letter', async () => {
    const { testing, dispatcher, store } = await start();
    await dispatcher.publish({ name: 'large', args: [{ type: 'string', value: VALUE }], delaySeconds: 1 });
    for (const [key, body] of store.bodies) store.bodies.set(key, Buffer.concat([body, Buffer.of(32)]));
    await testing.clock.advance({ minutes: 5 });
    await testing.drain();
    expect((await dispatcher.deadLetters.list('mail')).letters).toMatchObject([{ name: 'large', reason: 'invalid-body' }]);
  });
});
