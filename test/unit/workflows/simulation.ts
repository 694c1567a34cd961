import { EMPTY } from 'rxjs';
import { DispatcherError } from '../../../lib/errors.js';
import type { Claim, Member, MemberCount, StateBackend, StateBackendCapabilities, StateBackendState } from '../../../lib/state/state-backend.js';
import { referenceOf } from '../../../lib/workflows/workflow-header.js';
import type { StepSender } from '../../../lib/workflows/step-sender.js';
import { Workflows } from '../../../lib/workflows/workflows.js';
import type { Task, TaskHeaders, TaskInput } from '../../../lib/task/task.js';
import type { TaskEnd, TaskVisit } from '../../../lib/worker/gates/task-gate.js';
import { unaudited } from '../../../lib/events/audited.js';

/** Thrown where a simulated process dies: nothing of it goes on. */
class Crash extends DispatcherError {
  constructor() {
    super('SIMULATED_CRASH', 'The process has died.', {}, { retryable: true });
  }
}

export interface Chance {
  /** Between 0 and 1. */
  next(): number;
}

/** Numbers that look random and are the same for the same seed. */
function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  return {
    next: () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

/** A backend in a few maps; each operation takes some turns of the loop, and `hit` may make its caller die before or after it. */
export class SimulatedBackend implements StateBackend {
  readonly capabilities = {} as StateBackendCapabilities;
  readonly state = {} as StateBackendState;
  readonly states = EMPTY;
  readonly events = EMPTY;
  operations = 0;
  private readonly values = new Map<string, Buffer>();
  private readonly sets = new Map<string, Map<string, Buffer>>();

  constructor(private readonly hit: () => Promise<void> = () => Promise.resolve()) {}

  connect(): Promise<void> { return Promise.resolve(); }
  close(): Promise<void> { return Promise.resolve(); }
  watch(): () => void { return () => undefined; }
  set(key: string, value: Buffer): Promise<void> { return this.run(() => { this.values.set(key, value); }); }
  get(key: string): Promise<Buffer | undefined> { return this.run(() => this.values.get(key)); }

  setIfAbsent(key: string, value: Buffer): Promise<Claim> {
    return this.run(() => {
      const present = this.values.get(key);
      if (present !== undefined) return { taken: false, value: present };
      this.values.set(key, value);
      return { taken: true };
    });
  }

  replaceIfEqual(key: string, expected: Buffer, value: Buffer): Promise<boolean> {
    return this.run(() => {
      if (this.values.get(key)?.equals(expected) !== true) return false;
      this.values.set(key, value);
      return true;
    });
  }

  deleteIfEqual(key: string, value: Buffer): Promise<boolean> {
    return this.run(() => this.values.get(key)?.equals(value) === true && this.values.delete(key));
  }

  delete(key: string): Promise<void> {
    return this.run(() => { this.values.delete(key); this.sets.delete(key); });
  }

  addMember(key: string, member: string, value: Buffer): Promise<MemberCount> {
    return this.run(() => {
      const set = this.sets.get(key) ?? new Map<string, Buffer>();
      this.sets.set(key, set);
      const added = !set.has(member);
      if (added) set.set(member, value);
      return { count: set.size, added };
    });
  }

  async* members(key: string): AsyncGenerator<readonly Member[]> {
    await this.run(() => undefined);
    yield [...this.sets.get(key) ?? []].map(([member, value]) => ({ member, value }));
  }

  private async run<T>(action: () => T): Promise<T> {
    this.operations++;
    await this.hit();
    const result = action();
    await this.hit();
    return result;
  }
}

interface Message { readonly task: Task; readonly headers: TaskHeaders; redelivered: boolean }

export interface World {
  readonly workflows: Workflows;
  readonly backend: SimulatedBackend;
  readonly problems: string[];
  /** How many different copies of each step's task were started, by path; redeliveries of one copy are one. */
  readonly started: Map<string, Set<Message>>;
  /** What the handlers do. */
  handle(task: Task): unknown;
  /** Dies at this share of all operations, of which there are so many more. */
  crashes: { share: number; left: number };
  /** Works the queue off with so many workers at a time; the number of runs is bounded. */
  work(workers: number): Promise<void>;
  /** From now on as a process that can die; `undefined` when it did. */
  dying<T>(action: () => Promise<T>): Promise<T | undefined>;
}

/**
 * One queue, several workers, one backend: any of them may die at any operation, every message may be delivered and
 * published again, and whatever can overtake does so at times.
 */
export function simulate(seed: number, handle: (task: Task) => unknown, mostPlanned?: number): World {
  const chance = chanceOf(seed);
  const queue: Message[] = [];
  const deadLetters: Message[] = [];
  const claims = new Map<string, { owner: Message; done: boolean; replays: number }>();
  const started = new Map<string, Set<Message>>();
  const problems: string[] = [];
  const crashes = { share: 0, left: 0 };
  const hit = async (): Promise<void> => {
    for (let turns = Math.floor(chance.next() * 4); turns > 0; turns--) await Promise.resolve();
    if (crashes.left > 0 && chance.next() < crashes.share) {
      crashes.left--;
      throw new Crash();
    }
  };
  const backend = new SimulatedBackend(hit);
  const put = async (task: Task, headers: TaskHeaders): Promise<void> => {
    await hit();
    queue.push({ task, headers, redelivered: false });
    await hit();
  };
  const sender: StepSender = {
    send: ({ uuid = '', name, args = [] }: TaskInput, headers) => put({ uuid, name, args }, headers),
    sendTo: (_queue, { uuid, name, args, headers = {} }) => put({ uuid, name, args }, headers),
    replay: async (_queue, uuids) => {
      let count = 0;
      for (const letter of [...deadLetters]) {
        if (!uuids.has(letter.task.uuid)) continue;
        const replays = 1 + Number(letter.headers['x-dispatcher-replays'] ?? 0);
        await put(letter.task, { ...letter.headers, 'x-dispatcher-replays': replays });
        deadLetters.splice(deadLetters.indexOf(letter), 1);
        count++;
      }
      return count;
    },
  };
  const workflows = new Workflows({
    exchange: 'e',
    audited: unaudited,
    backend: () => Promise.resolve(backend), sender, expiresInMs: 1e9, now: () => 0, ready: () => Promise.resolve(), callOff: () => hit(), mostPlanned,
    emit: (event) => { if (event.type === 'workflow.problem') problems.push(`${event.message} ${String(event.error)}`); },
  });
  const world: World = { workflows, backend, problems, started, handle, crashes, work, dying };
  return world;

  async function dying<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof Crash) return undefined;
      throw error;
    }
  }

  async function work(workers: number): Promise<void> {
    let runs = 0;
    const one = async (): Promise<void> => {
      for (let idle = 0; idle < 200;) {
        const [message] = queue.splice(Math.floor(chance.next() * queue.length), 1);
        if (message === undefined) {
          idle++;
          await Promise.resolve();
          continue;
        }
        idle = 0;
        if (++runs > 100_000) throw new Error('it never ends');
        if (await dying(() => deliver(message)) === undefined) queue.push(Object.assign(message, { redelivered: true }));
      }
    };
    await Promise.all(Array.from({ length: workers }, one));
  }

  /** True once acknowledged. The gate for tasks that are to start once, then the workflow's. */
  async function deliver(message: Message): Promise<true> {
    const { task, headers, redelivered } = message;
    const visit: TaskVisit = { uuid: task.uuid, name: task.name, args: task.args, headers, attempt: 1, queue: 'q', worker: 'w', redelivered };
    const replays = Number(headers['x-dispatcher-replays'] ?? 0);
    const claim = claims.get(task.uuid);
    if (claim !== undefined && claim.owner !== message && (replays <= claim.replays)) {
      // Dropped when the other is done; otherwise it would wait, which here is to be delivered later.
      if (!claim.done) queue.push(message);
      await Promise.resolve();
      return true;
    }
    if (claim?.owner === message && claim.done) return true;
    claims.set(task.uuid, { owner: message, done: false, replays });
    const entrance = await workflows.gate.enter(visit);
    const end: TaskEnd = entrance.kind === 'cancel' ? { kind: 'cancelled', reason: entrance.reason } : run(message);
    await hit();
    if (end.kind === 'failed' && !deadLetters.some((letter) => letter.task.uuid === task.uuid)) deadLetters.push({ ...message, redelivered: false });
    await workflows.gate.leave(visit, end);
    (claims.get(task.uuid) as { done: boolean }).done = true;
    await hit();
    return true;
  }

  function run(message: Message): TaskEnd {
    const path = referenceOf(message.headers)?.path ?? '';
    const copies = started.get(path) ?? new Set();
    started.set(path, copies.add(message));
    try {
      return { kind: 'succeeded', value: world.handle(message.task) };
    } catch (error) {
      return { kind: 'failed', reason: 'failed', error };
    }
  }
}
