import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EdgePublisher, type EdgeTask } from '../../../../../lib/dispatcher/publishing/edge-publisher.js';
import { createResultBackend } from '../../../../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../../../../lib/state/state-backend.js';
import { edgeSpec, type EdgeChoice, type EdgeOutcome } from '../../../../../lib/task/edge-options.js';
import { encodeEdgeMark } from '../../../../../lib/task/edge-record.js';
import { Header } from '../../../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../../../lib/task/task.js';
import { EdgeGates } from '../../../../../lib/worker/gates/edges/edge-gates.js';
import type { Entrance, TaskEnd, TaskVisit } from '../../../../../lib/worker/gates/task-gate.js';
import { ALIVE, heldTime, MortalProcess, WHENS, type Death } from '../../../../support/mortal-process.js';

const KEY = 'edge:e:a:key:k';
const START = 1_700_000_000_000;

interface Message { readonly uuid: string; readonly due: number; readonly value: number; readonly headers: TaskHeaders }


let held: ReturnType<typeof heldTime>;
const passing = <T>(promise: Promise<T>, limitMs?: number): Promise<T | 'unsettled'> => held.passing(promise, limitMs);
let backend: StateBackend;
let queue: Message[];
let runs: number[];

beforeEach(async () => {
  held = heldTime(START);
  backend = createResultBackend('embedded:');
  await passing(backend.connect());
  [queue, runs] = [[], []];
});

afterEach(async () => {
  await passing(backend.close(1_000));
  held.giveBack();
});

class Process extends MortalProcess {
  constructor(death?: Death) { super(() => backend, death); }
}

interface Publishing { readonly value: number; readonly process?: Process; readonly isSecret?: boolean }

function publish(choice: EdgeChoice, { value, process = new Process(), isSecret = false }: Publishing): Promise<EdgeOutcome> {
  const publisher = new EdgePublisher(process.backend, 30_000, { claimed: () => undefined, absorbed: () => undefined, problem: () => undefined });
  const uuid = `task-${value}`;
  const put = (due: number, headers: TaskHeaders): Promise<unknown> => process.does(() => queue.push({ uuid, due, value, headers }));
  const item: EdgeTask = {
    task: { uuid, name: 'a', args: [{ type: 'int', value }], routingKey: 'k' }, request: { ...edgeSpec(choice), key: KEY }, isSecret,
    now: () => put(held.time.now(), {}), later: (mark, dueAt) => put(dueAt, { [Header.edge]: encodeEdgeMark(mark) }),
  };
  return publisher.send(item);
}

function visit({ uuid, headers, value }: Message): TaskVisit {
  return { uuid, name: 'a', args: [{ type: 'int', value }], headers, attempt: 1, queue: 'q', worker: 'w', redelivered: false };
}

/** One delivery, of one that dies in it or not. */
async function deliver(message: Message, process: Process, end: TaskEnd = { kind: 'succeeded', value: 1 }): Promise<Entrance | 'unsettled'> {
  const gates = new EdgeGates(process.backend);
  const one = visit(message);
  if (!gates.start.concerns(one)) {
    runs.push(message.value);
    return { kind: 'run' };
  }
  const run = async (): Promise<Entrance> => {
    const seen = await gates.look.enter(one);
    const entrance = seen.kind === 'run' ? await gates.start.enter(one) : seen;
    if (entrance.kind === 'run') runs.push((entrance.args?.[0]?.value ?? message.value) as number);
    await gates.start.leave(one, entrance.kind === 'run' ? end : entrance.kind === 'cancel' ? { kind: 'cancelled', reason: entrance.reason } : { kind: 'returned' });
    return entrance;
  };
  return passing(run(), 2_000);
}

/** Delivers whatever is due, again where a worker has died, until nothing is there any more. */
async function deliverAll(death: Death = ALIVE): Promise<void> {
  let process = new Process(death);
  while (queue.length > 0) {
    const [message] = queue.sort((a, b) => a.due - b.due);
    if (message === undefined) return;
    if (message.due > held.time.now()) await passing(new Promise<never>(() => undefined), message.due - held.time.now());
    const entrance = await deliver(message, process);
    if (entrance === 'unsettled') process = new Process();
    else queue.splice(queue.indexOf(message), 1, ...(entrance.kind === 'wait' ? [{ ...message, due: held.time.now() + entrance.delayMs, headers: { ...message.headers, ...entrance.headers } }] : []));
  }
}

const CHOICES: EdgeChoice[] = [{ debounce: { waitSeconds: 3 } }, { debounce: { waitSeconds: 3, leading: true } }, { throttle: { windowSeconds: 3 } }, { throttle: { windowSeconds: 3, leading: false } }];
const SECRETS = [[false, false, false], [true, true, true], [false, true, false], [true, false, true]] as const;
const CASES = CHOICES.flatMap((choice) => SECRETS.map((secrets) => ({ choice, secrets })));

describe.each(CASES)('$choice, of which these cannot leave their arguments: $secrets', ({ choice, secrets }) => {
  async function published(value: 1 | 2 | 3, process?: Process): Promise<EdgeOutcome | 'unsettled'> {
    const isSecret = secrets[value - 1] === true;
    return passing(publish(choice, { value, isSecret, ...(process === undefined ? {} : { process }) }), process === undefined ? undefined : 500);
  }

  it('loses nothing of what was accepted, wherever the publisher of the second of three dies', async () => {
    for (const when of WHENS) {
      for (let step = 0, died = true; died; step++) {
        await begin();
        const process = new Process({ step, when });
        await published(1);
        died = await published(2, process) === 'unsettled';
        expect(await published(3)).not.toBe('unsettled');
        await deliverAll();
        expect(Math.max(...runs), `died at step ${step}, ${when} it`).toBe(3);
      }
    }
  });

  it('nor where no other comes', async () => {
    for (const when of WHENS) {
      for (let step = 0, died = true; died; step++) {
        await begin();
        await published(1);
        died = await published(2, new Process({ step, when })) === 'unsettled';
        await deliverAll();
        expect(Math.max(...runs), `died at step ${step}, ${when} it`).toBeGreaterThanOrEqual(died ? 1 : 2);
      }
    }
  });

  it('nor of what was left to one whose place a dying publisher takes', async () => {
    for (const when of WHENS) {
      for (let step = 0, died = true; died; step++) {
        await begin();
        for (const value of [1, 2] as const) await published(value);
        died = await published(3, new Process({ step, when })) === 'unsettled';
        await deliverAll();
        expect(Math.max(...runs), `died at step ${step}, ${when} it`).toBeGreaterThanOrEqual(died ? 2 : 3);
      }
    }
  });

  it('nor wherever the worker dies', async () => {
    for (const when of WHENS) {
      for (let step = 0; step < 12; step++) {
        await begin();
        for (const value of [1, 2, 3] as const) await published(value);
        await deliverAll({ step, when });
        expect(runs.at(-1), `died at step ${step}, ${when} it`).toBe(3);
      }
    }
  });

  it('runs each of them no more often than it should where nobody dies', async () => {
    for (const value of [1, 2, 3] as const) await published(value);
    await deliverAll();
    expect(runs).toEqual('throttle' in choice ? choice.throttle.leading === false ? [3] : [1, 3] : choice.debounce.leading === true ? [1, 3] : [3]);
  });
});

/** Anew, within one test. */
async function begin(): Promise<void> {
  await passing(backend.delete(KEY));
  [queue, runs] = [[], []];
}

describe('a publish that fails', () => {
  it('leaves what was there, and is told', async () => {
    await passing(publish(CHOICES[0] as EdgeChoice, { value: 1 }));
    const before = await backend.get(KEY);
    const publisher = new EdgePublisher(() => Promise.resolve(backend), 30_000, { claimed: () => undefined, absorbed: () => undefined, problem: () => undefined });
    const fails = (): Promise<never> => Promise.reject(new Error('no route'));
    const item = (key: string): EdgeTask => ({ task: { uuid: 'x', name: 'a', args: [], routingKey: 'k' }, request: { ...edgeSpec(CHOICES[0] as EdgeChoice), key }, isSecret: true, now: fails, later: fails });
    await expect(passing(publisher.send(item(KEY)))).rejects.toThrow('no route');
    expect(await backend.get(KEY)).toEqual(before);
    await expect(passing(publisher.send(item('edge:other')))).rejects.toThrow('no route');
    expect(await backend.get('edge:other')).toBeUndefined();
  });

  it('does not keep the next of its key in the same process from being published', async () => {
    let tries = 0;
    const publisher = new EdgePublisher(() => Promise.resolve(backend), 30_000, { claimed: () => undefined, absorbed: () => undefined, problem: () => undefined });
    const item = (): EdgeTask => ({ task: { uuid: `x${tries}`, name: 'a', args: [], routingKey: 'k' }, request: { ...edgeSpec(CHOICES[0] as EdgeChoice), key: KEY }, isSecret: false, now: () => Promise.resolve(), later: () => (tries++ === 0 ? Promise.reject(new Error('no route')) : Promise.resolve()) });
    const [first, second] = await passing(Promise.allSettled([publisher.send(item()), publisher.send(item())])) as PromiseSettledResult<EdgeOutcome>[];
    expect([first?.status, second]).toMatchObject(['rejected', { status: 'fulfilled', value: { taken: true } }]);
  });
});

describe('a burst in one process', () => {
  it('costs a few writes, and is of one task: the newest speaks for all behind the first', async () => {
    let operations = 0;
    const process = new Process();
    const counted = async (): Promise<StateBackend> => {
      operations++;
      return process.backend();
    };
    const publisher = new EdgePublisher(counted, 30_000, { claimed: () => undefined, absorbed: () => undefined, problem: () => undefined });
    const sent: number[] = [];
    const outcomes = await passing(Promise.all(Array.from({ length: 1_000 }, (_, value) => publisher.send({
      task: { uuid: `task-${value}`, name: 'a', args: [{ type: 'int', value }], routingKey: 'k' }, request: { ...edgeSpec(CHOICES[0] as EdgeChoice), key: KEY }, isSecret: false,
      now: () => Promise.resolve(sent.push(value)), later: () => Promise.resolve(sent.push(value)),
    })))) as EdgeOutcome[];
    expect(sent).toEqual([0]);
    expect(outcomes[0]).toMatchObject({ taken: true, as: 'trailing' });
    expect(new Set(outcomes.slice(1).map((outcome) => JSON.stringify(outcome)))).toEqual(new Set([JSON.stringify({ taken: false, uuid: 'task-0', replaced: true })]));
    expect([operations, process.count]).toEqual([2, 5]);
    expect((await backend.get(KEY))?.toString()).toContain('999');
  });
});

describe('what was started', () => {
  it('has the newest arguments again, at a retry, a redelivery and a replay', async () => {
    const [choice] = CHOICES as [EdgeChoice];
    await passing(publish(choice, { value: 1 }));
    await passing(publish(choice, { value: 2 }));
    const [message] = queue as [Message];
    await passing(new Promise<never>(() => undefined), 10_000);
    for (const end of [{ kind: 'retrying', attempt: 2, delayMs: 5, error: new Error('no') }, { kind: 'failed', reason: 'failed', error: new Error('no') }, { kind: 'succeeded', value: 1 }] satisfies TaskEnd[]) await deliver(message, new Process(), end);
    expect(runs).toEqual([2, 2, 2]);
  });

  it('as a dead letter that never started, has them at its replay', async () => {
    const [choice] = CHOICES as [EdgeChoice];
    await passing(publish(choice, { value: 1 }));
    await passing(publish(choice, { value: 2 }));
    const [message] = queue as [Message];
    const gates = new EdgeGates(() => Promise.resolve(backend));
    await gates.start.leave(visit(message), { kind: 'failed', reason: 'unknown-task', error: new Error('nobody') });
    expect(await passing(publish(choice, { value: 3 }))).toMatchObject({ taken: true });
    await deliver(message, new Process());
    expect(runs).toEqual([2]);
  });

  it('is called off with all that was left to it, and its key is free', async () => {
    const [choice] = CHOICES as [EdgeChoice];
    await passing(publish(choice, { value: 1 }));
    const gates = new EdgeGates(() => Promise.resolve(backend));
    await gates.start.leave(visit((queue as [Message])[0]), { kind: 'cancelled', reason: 'no' });
    expect(await passing(publish(choice, { value: 2 }))).toMatchObject({ taken: true });
  });
});
