import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Broker, Message } from '../../../../lib/brokers/broker.js';
import { OrderPublisher } from '../../../../lib/dispatcher/publishing/order-publisher.js';
import { UnroutableTaskError } from '../../../../lib/errors.js';
import { createResultBackend } from '../../../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../../../lib/state/state-backend.js';
import { Header } from '../../../../lib/task/headers.js';
import { orderHeaders } from '../../../../lib/task/order.js';
import { OnceGate } from '../../../../lib/worker/gates/once/once-gate.js';
import { OrderGate } from '../../../../lib/worker/gates/order/order-gate.js';
import { OrderLines } from '../../../../lib/worker/gates/order/order-lines.js';
import type { OrderedSender, OrderedTask } from '../../../../lib/worker/gates/order/ordered-task.js';
import type { Entrance, TaskEnd, TaskGate, TaskVisit } from '../../../../lib/worker/gates/task-gate.js';
import { ALIVE, heldTime, MortalProcess, WHENS, type Death } from '../../../support/mortal-process.js';

const KEY = 'order:e:a:key:k';

interface Waiting { message: Message; redelivered: boolean }

let held: ReturnType<typeof heldTime>;
const passing = <T>(promise: Promise<T>, limitMs?: number): Promise<T | 'unsettled'> => held.passing(promise, limitMs);
let backend: StateBackend;
let queue: Waiting[];
let runs: number[];
let unroutable: Set<string>;

beforeEach(async () => {
  held = heldTime(1_700_000_000_000);
  await begin();
});

afterEach(async () => {
  await passing(backend.close(1_000));
  held.giveBack();
});

async function begin(): Promise<void> {
  backend = createResultBackend('embedded:');
  await passing(backend.connect());
  [queue, runs, unroutable] = [[], [], new Set()];
}

class Process extends MortalProcess {
  readonly lines: OrderLines;

  constructor(death?: Death) {
    super(() => backend, death);
    const broker: Pick<Broker, 'publish'> = { publish: (message, address) => this.does(() => {
      if (unroutable.has('routingKey' in address ? address.routingKey : address.queue)) throw new UnroutableTaskError('nowhere');
      queue.push({ message, redelivered: false });
    }) };
    this.lines = new OrderLines(this.backend, broker);
  }
}

function ordered(value: number, { routingKey = 'k', onFailure = 'skip' }: { routingKey?: string; onFailure?: 'halt' | 'skip' } = {}): OrderedTask {
  const token = `token-${value}`;
  const headers = { ...orderHeaders({ key: KEY, token, onFailure }), value };
  return { token, uuid: `task-${value}`, name: 'a', routingKeys: [routingKey], message: { body: Buffer.from('{}'), properties: { messageId: `task-${value}`, headers } } };
}

async function publish(value: number, process = new Process(), limitMs?: number, options?: Parameters<typeof ordered>[1]): Promise<boolean> {
  return await passing(new OrderPublisher(process.lines, 30_000).send(KEY, ordered(value, options)), limitMs) !== 'unsettled';
}

const SUCCEEDED: TaskEnd = { kind: 'succeeded', value: 1 };
const FAILED: TaskEnd = { kind: 'failed', reason: 'failed', error: new Error('no') };

/** One delivery, of one that dies in it or not. */
async function deliver({ message: { properties }, redelivered }: Waiting, process: Process, end: TaskEnd): Promise<Entrance | 'unsettled'> {
  const gates: TaskGate[] = [new OnceGate(process.backend), new OrderGate(process.lines)];
  const headers = properties.headers ?? {};
  const visit: TaskVisit = { uuid: properties.messageId ?? '', name: 'a', args: [], headers, attempt: 1, queue: 'q', worker: 'w', redelivered };
  const run = async (): Promise<Entrance> => {
    let entrance: Entrance = { kind: 'run' };
    for (const gate of gates) {
      entrance = await gate.enter(visit);
      if (entrance.kind !== 'run') break;
    }
    if (entrance.kind === 'run') runs.push(headers['value'] as number);
    for (const gate of [...gates].reverse()) await gate.leave(visit, entrance.kind === 'run' ? end : entrance.kind === 'drop' ? { kind: 'dropped' } : { kind: 'returned' });
    return entrance;
  };
  return passing(run(), 3_000);
}

async function deliverAll(death: Death = ALIVE, endOf: (value: number) => TaskEnd = () => SUCCEEDED): Promise<void> {
  let process = new Process(death);
  for (let rounds = 0; queue.length > 0; rounds++) {
    if (rounds > 500) throw new Error('A delivery comes back for ever.');
    const [first] = queue;
    if (first === undefined) return;
    const entrance = await deliver(first, process, endOf(first.message.properties.headers?.['value'] as number));
    queue.splice(queue.indexOf(first), 1);
    if (entrance === 'unsettled') {
      process = new Process();
      queue.unshift({ ...first, redelivered: true });
    } else if (entrance.kind === 'wait') {
      queue.push({ message: { ...first.message, properties: { ...first.message.properties, headers: { ...first.message.properties.headers, ...entrance.headers } } }, redelivered: false });
      await passing(new Promise<never>(() => undefined), entrance.delayMs);
    }
  }
}

/** No task started after a later one of its key had. */
function inversions(): number[] {
  return runs.filter((value, at) => runs.slice(0, at).some((earlier) => earlier > value));
}

describe('a line of ordered tasks', () => {
  it('has one task with the broker at a time, in the order in which they were accepted', async () => {
    for (const value of [1, 2, 3]) await publish(value);
    expect(queue).toHaveLength(1);
    await deliverAll();
    expect(runs).toEqual([1, 2, 3]);
    expect(await backend.get(KEY)).toBeUndefined();
    for (const value of [1, 2, 3]) expect(await backend.get(`order-task:token-${value}`)).toBeUndefined();
    await publish(4);
    await deliverAll();
    expect(runs).toEqual([1, 2, 3, 4]);
  });

  it('loses and inverts none, wherever a publisher dies', async () => {
    for (const dying of [1, 2, 3]) {
      for (const when of WHENS) {
        for (let step = 0, died = true; died; step++) {
          await passing(backend.close(1_000));
          await begin();
          for (const value of [1, 2, 3, 4]) {
            const isAccepted = await publish(value, value === dying ? new Process({ step, when }) : new Process(), value === dying ? 1_000 : undefined);
            if (value === dying) died = !isAccepted;
            else expect(isAccepted).toBe(true);
          }
          await deliverAll();
          const account = `publisher ${dying} died at step ${step}, ${when} it: ${runs.join()}`;
          expect([1, 2, 3, 4].filter((value) => (value !== dying || !died) && !runs.includes(value)), account).toEqual([]);
          expect(inversions(), account).toEqual([]);
        }
      }
    }
  });

  it('loses and inverts none, wherever a worker dies', async () => {
    for (const when of WHENS) {
      for (let step = 0; step < 40; step++) {
        await passing(backend.close(1_000));
        await begin();
        for (const value of [1, 2, 3]) await publish(value);
        await deliverAll({ step, when });
        const account = `died at step ${step}, ${when} it: ${runs.join()}`;
        expect([...new Set(runs)], account).toEqual([1, 2, 3]);
        expect(inversions(), account).toEqual([]);
        expect(await backend.get(KEY), account).toBeUndefined();
      }
    }
  });

  it('inverts none where the line is empty, and whoever has passed the last one dies before that is remembered', async () => {
    for (const when of WHENS) {
      for (let step = 0; step < 40; step++) {
        await passing(backend.close(1_000));
        await begin();
        await publish(1);
        const [first] = queue.splice(0) as [Waiting];
        const died = await deliver(first, new Process({ step, when }), SUCCEEDED) === 'unsettled';
        // It is delivered again only once another has come, and gone.
        if (await publish(2, new Process(), 1_000)) await deliverAll();
        if (died) queue.push({ ...first, redelivered: true });
        await deliverAll();
        const account = `died at step ${step}, ${when} it: ${runs.join()}`;
        expect([...new Set(runs)].sort(), account).toEqual([1, 2]);
        expect(inversions(), account).toEqual([]);
      }
    }
  });

  it('goes on behind one that has failed, or stands still until that is replayed or discarded', async () => {
    const endOf = (value: number): TaskEnd => (value === 2 ? FAILED : SUCCEEDED);
    for (const value of [1, 2, 3]) await publish(value);
    await deliverAll(ALIVE, endOf);
    expect(runs).toEqual([1, 2, 3]);
    for (const how of ['replayed', 'discarded']) {
      await passing(backend.close(1_000));
      await begin();
      for (const value of [1, 2, 3]) await publish(value, new Process(), undefined, { onFailure: 'halt' });
      const { message } = ordered(2, { onFailure: 'halt' });
      await deliverAll(ALIVE, endOf);
      expect(runs).toEqual([1, 2]);
      expect((await new Process().lines.find(KEY))?.line).toMatchObject({ head: 'token-2', haltedAt: held.time.now() });
      if (how === 'replayed') queue.push({ message: { ...message, properties: { ...message.properties, headers: { ...message.properties.headers, [Header.replays]: 1 } } }, redelivered: false });
      else await passing(new Process().lines.leave(KEY, 'token-2', { queue: 'q' }));
      await deliverAll();
      expect(runs).toEqual(how === 'replayed' ? [1, 2, 2, 3] : [1, 2, 3]);
    }
  });

  it('lets one that was skipped run beside it when it is replayed', async () => {
    for (const value of [1, 2]) await publish(value);
    const { message } = ordered(7);
    queue.unshift({ message: { ...message, properties: { ...message.properties, headers: { ...message.properties.headers, [Header.replays]: 1 } } }, redelivered: false });
    await deliverAll();
    expect(runs).toEqual([7, 1, 2]);
  });

  it('drops a copy that comes late, and sends on what a dead process has left', async () => {
    for (const value of [1, 2, 3]) await publish(value);
    const [first] = queue as [Waiting];
    await deliver(first, new Process(), SUCCEEDED);
    queue = queue.filter((one) => one !== first);
    const [second] = queue.splice(0) as [Waiting];
    expect(await new Process().lines.drop(KEY, 'token-2')).toBe(true);
    expect(await deliver(second, new Process(), SUCCEEDED)).toMatchObject({ kind: 'drop' });
    expect(queue.map(({ message }) => message.properties.messageId)).toEqual(['task-3']);
  });
});

describe('publishing into a line', () => {
  it('in one process keeps the order of the calls, and costs a few operations', async () => {
    const process = new Process();
    const publisher = new OrderPublisher(process.lines, 30_000);
    await passing(Promise.all(Array.from({ length: 50 }, (_, value) => publisher.send(KEY, ordered(value)))));
    expect(queue).toHaveLength(1);
    await deliverAll();
    expect(runs).toEqual(Array.from({ length: 50 }, (_, value) => value));
  });

  it('is refused for one that no queue takes, and for no other', async () => {
    unroutable.add('nowhere');
    const publisher = new OrderPublisher(new Process().lines, 30_000);
    const all = Promise.allSettled([1, 2, 3].map((value) => publisher.send(KEY, ordered(value, { routingKey: value === 3 ? 'k' : 'nowhere' }))));
    expect((await passing(all) as PromiseSettledResult<void>[]).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    await deliverAll();
    expect(runs).toEqual([3]);
  });

  it('sends one whose queue is gone to that of the one before it', async () => {
    for (const value of [1, 2]) await publish(value, new Process(), undefined, { routingKey: `k${value}` });
    unroutable.add('k2');
    await deliverAll();
    expect(runs).toEqual([1, 2]);
  });

  it('makes a dead letter of one that the broker will never take when its turn comes, and stands still behind it', async () => {
    for (const value of [1, 2, 3]) await publish(value, new Process(), undefined, { routingKey: `k${value}` });
    const { lines } = new Process();
    const buried: string[] = [];
    const sender: OrderedSender = { queue: 'gone', bury: (task, problem) => Promise.resolve(void buried.push(`${task.uuid} ${problem}`)) };
    unroutable.add('k2').add('gone');
    expect(await passing(lines.leave(KEY, 'token-1', sender))).toBe(true);
    expect(buried).toEqual(['task-2 nowhere']);
    expect((await lines.find(KEY))?.line).toMatchObject({ head: 'token-2', isSent: true });
    await expect(passing(lines.leave(KEY, 'token-2', { queue: 'gone' }))).resolves.toBe(true);
    expect(queue.map(({ message }) => message.properties.messageId)).toEqual(['task-1', 'task-3']);
  });

  it('is refused where what is kept may be forgotten', async () => {
    Object.defineProperty(backend, 'capabilities', { value: { ...backend.capabilities, mayEvict: true, survivesRestart: false } });
    await expect(publish(1)).rejects.toThrow('forgets entries');
  });
});
