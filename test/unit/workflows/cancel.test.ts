import { describe, expect, it } from 'vitest';
import type { TaskHeaders, TaskInput } from '../../../lib/task/task.js';
import type { TaskEnd, TaskVisit } from '../../../lib/worker/gates/task-gate.js';
import type { PublishedWorkflow } from '../../../lib/workflows/published-workflow.js';
import { calledOffAs } from '../../../lib/workflows/workflow-cancellation.js';
import { chain, chord, group, task, type Workflow } from '../../../lib/workflows/workflow.js';
import { Workflows } from '../../../lib/workflows/workflows.js';
import { SimulatedBackend, simulate } from './simulation.js';
import { unaudited } from '../../../lib/events/audited.js';

type Sent = TaskInput & { headers: TaskHeaders };

/** A publisher and a worker in one, whose broker is a list, and whose cancellations fail as often as told. */
function scene() {
  const backend = new SimulatedBackend();
  const sent: Sent[] = [];
  const calledOff: [string, string][] = [];
  const trouble = { callOffs: 0 };
  const workflows = new Workflows({
    exchange: 'e',
    audited: unaudited,
    backend: () => Promise.resolve(backend), expiresInMs: 1e9, now: () => 0, ready: () => Promise.resolve(),
    sender: {
      send: (one, headers) => { sent.push({ ...one, headers }); return Promise.resolve(); },
      sendTo: () => Promise.reject(new Error('nothing is sent to a queue here')),
      replay: () => Promise.reject(new Error('nothing is replayed here')),
    },
    callOff: (name, text) => {
      if (trouble.callOffs-- > 0) return Promise.reject(new Error('the broker is away'));
      calledOff.push([name, text]);
      return Promise.resolve();
    },
    emit: (event) => { if (event.type === 'workflow.problem') throw new Error(event.message); },
  });
  const names = (): string[] => sent.splice(0).map(({ name }) => name);
  return { workflows, sent, names, calledOff, trouble };
}

function visitOf({ uuid = '', name, headers }: Sent): TaskVisit {
  return { uuid, name, args: [], headers, attempt: 1, queue: 'q', worker: 'w', redelivered: false };
}

const stepWithCallbacks = (name: string): Workflow => task(name).onSuccess(task('never')).onError(task('never'));

describe('cancelling a workflow', () => {
  const text = 'Its workflow was cancelled: the customer left';

  it('calls off all its steps under one name, with the reason that counts', async () => {
    const { workflows, calledOff } = scene();
    const published = await workflows.publish(group(Array.from({ length: 250 }, () => task('a'))));
    expect(await published.cancel('the customer left')).toBe(true);
    expect(await published.cancel('for another reason')).toBe(false);
    // The second time too: whoever was first may have died before.
    expect(calledOff).toEqual([[`workflow:${published.uuid}`, text], [`workflow:${published.uuid}`, text]]);
  });

  it('is completed by whoever calls it again, where the first died half way', async () => {
    const { workflows, calledOff, trouble } = scene();
    const published = await workflows.publish(chain(task('a'), task('b')));
    trouble.callOffs = 1;
    await expect(published.cancel('the customer left')).rejects.toThrow('the broker is away');
    expect(await published.progress()).toMatchObject({ status: 'cancelled', reason: 'the customer left' });
    expect(calledOff).toEqual([]);
    expect(await workflows.handle(published.uuid).cancel()).toBe(false);
    expect(calledOff).toEqual([[`workflow:${published.uuid}`, text]]);
  });

  it('calls off nothing where it has succeeded, or nothing is known of it', async () => {
    const { workflows, sent, calledOff } = scene();
    const published = await workflows.publish(task('a'));
    await workflows.gate.leave(visitOf(sent[0] as Sent), { kind: 'succeeded', value: 1 });
    expect(await published.cancel()).toBe(false);
    expect(await workflows.handle('fb6e5a46-0000-4000-8000-000000000000').cancel()).toBe(false);
    expect(calledOff).toEqual([]);
  });

  it('calls off what still runs of a failed one', async () => {
    const { workflows, sent, calledOff } = scene();
    const published = await workflows.publish(group(task('a'), task('b')));
    await workflows.gate.leave(visitOf(sent[0] as Sent), { kind: 'failed', reason: 'failed', error: new Error('no') });
    expect(await published.cancel()).toBe(true);
    expect(calledOff).toHaveLength(1);
  });

  it.each([5, 'x'.repeat(1_001)] as string[])('refuses what is no reason', async (reason) => {
    const { workflows } = scene();
    const published: PublishedWorkflow = await workflows.publish(task('a'));
    await expect(published.cancel(reason)).rejects.toThrow(/must be a text of at most 1000 characters/);
  });

  const ends: TaskEnd[] = [
    { kind: 'cancelled', reason: text }, { kind: 'failed', reason: 'failed', error: new Error('no') }, { kind: 'succeeded', value: 1 }, { kind: 'expired' },
  ];
  it.each(ends)('starts no callbacks for a step that then is "$kind"', async (end) => {
    const { workflows, sent, names } = scene();
    const within = chain(stepWithCallbacks('a'), task('b')).onSuccess(task('never')).onError(task('never'));
    const published = await workflows.publish(chain(chord(group(within, stepWithCallbacks('c')), task('callback')), task('last')).onSuccess(task('never')).onError(task('never')));
    const [first, other] = sent.splice(0) as [Sent, Sent];
    await published.cancel('the customer left');
    await workflows.gate.leave(visitOf(first), end);
    await workflows.gate.leave(visitOf(other), end);
    // What follows a success is turned away.
    for (const one of [...sent]) expect(await workflows.gate.enter(visitOf(one))).toEqual({ kind: 'cancel', reason: text });
    expect(names()).toEqual(end.kind === 'succeeded' ? ['b'] : []);
    expect(await published.progress()).toMatchObject({ status: 'cancelled', root: { status: 'cancelled', steps: [{ status: 'cancelled' }, { status: 'cancelled' }] } });
  });

  it('lets a callback that was published before go on, with what follows from it', async () => {
    const { workflows, sent, names } = scene();
    const published = await workflows.publish(chain(task('a').onSuccess(chain(stepWithCallbacks('aside'), task('after'))), task('b')));
    await workflows.gate.leave(visitOf(sent.splice(0)[0] as Sent), { kind: 'succeeded', value: 1 });
    await published.cancel();
    const aside = sent.find(({ name }) => name === 'aside') as Sent;
    expect(calledOffAs(aside.headers)).toBeUndefined();
    expect(await workflows.gate.enter(visitOf(aside))).toEqual({ kind: 'run' });
    sent.splice(0);
    await workflows.gate.leave(visitOf(aside), { kind: 'succeeded', value: 1 });
    expect(names()).toEqual(['never', 'after']);
  });

  it('tells by its headers what goes with it', () => {
    const uuid = 'fb6e5a46-0000-4000-8000-000000000000';
    const header = (text: unknown): TaskHeaders => ({ 'x-dispatcher-workflow': text }) as TaskHeaders;
    expect(calledOffAs(header(`${uuid} 0.1.2`))).toBe(`workflow:${uuid}`);
    expect(calledOffAs(header(`${uuid} 0.1 plain`))).toBe(`workflow:${uuid}`);
    for (const none of [{}, header(`${uuid} 0.1.s0`), header(`${uuid} 0.e0.1`), header(uuid), header('x 0.1'), header(5)]) expect(calledOffAs(none)).toBeUndefined();
  });

  it('starts no step once it has resolved, whoever dies meanwhile', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const world = simulate(seed, ({ name }) => name, seed % 2 === 0 ? 0 : 100);
      const published = await world.workflows.publish(chain(task('a'), group(Array.from({ length: 10 }, (_, index) => chain(task('b', index), task('c')))), task('d')));
      Object.assign(world.crashes, { share: 0.05, left: 20 });
      const working = world.work(3);
      for (let turn = seed * 10; turn > 0; turn--) await Promise.resolve();
      const done = (await world.dying(() => published.cancel('the customer left'))) ?? await again(world.dying, published);
      const before = countOf(world.started);
      await working;
      await world.work(3);
      const status = (await calmly(world.crashes, () => published.progress()))?.status;
      expect(status).toBe(done === true || status === 'cancelled' ? 'cancelled' : 'succeeded');
      // Three workers: what each had asked for just before, it runs.
      if (status === 'cancelled') expect(countOf(world.started) - before).toBeLessThanOrEqual(3);
      expect(world.problems).toEqual([]);
    }
  });
});

async function again(dying: <T>(action: () => Promise<T>) => Promise<T | undefined>, published: PublishedWorkflow): Promise<boolean> {
  for (;;) {
    const done = await dying(() => published.cancel('the customer left'));
    if (done !== undefined) return done;
  }
}

async function calmly<T>(crashes: { left: number }, action: () => Promise<T>): Promise<T> {
  crashes.left = 0;
  return action();
}

function countOf(started: Map<string, Set<unknown>>): number {
  let count = 0;
  for (const copies of started.values()) count += copies.size;
  return count;
}
