import { randomUUID } from 'node:crypto';
import { DispatcherError } from '../../errors.js';
import { encodeValue } from '../../results/result-value.js';
import type { StateBackend } from '../../state/state-backend.js';
import type { EdgeOutcome, EdgeRequest } from '../../task/edge-options.js';
import { decodeEdgeRecord, type EdgeMark, type EdgeRecord, encodeEdgeRecord } from '../../task/edge-record.js';
import { edgeKeptMs } from '../../task/edge-kept.js';
import { type EdgeAsk, type EdgeStep, edgeStep } from '../../task/edge-steps.js';
import { versionIn } from '../../task/headers.js';
import type { AddressedTask } from '../../task/task.js';
import { clock } from '../../time/clock.js';
import { ByKey, type WaitingItem } from './by-key.js';

/** Longer than a publish can take. */
const PUBLISHING_MARGIN_MS = 30_000;
/** Whoever says for so long that it publishes is not waited for any more. */
const STUCK_MS = 5_000;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;
/** What is left to another is kept in the shared state, whose room is not that of a broker. */
const MOST_LEFT_CHARACTERS = 64 * 1024;

/** A task that shares a window, and the two ways to publish it. */
export interface EdgeTask {
  readonly task: AddressedTask;
  readonly request: EdgeRequest;
  /** What it says is not to be read by whoever reads the shared state. */
  readonly isSecret: boolean;
  now(): Promise<unknown>;
  later(mark: EdgeMark, dueAt: number): Promise<unknown>;
}

export interface EdgeTold {
  /** A task was published that stands for others of its key. */
  claimed(key: string, task: Pick<AddressedTask, 'uuid' | 'name'>): void;
  /** Nothing was published: another stands for it. */
  absorbed(task: AddressedTask, by: string, replaced: boolean): void;
  problem(message: string, error: unknown): void;
}

type Waiting = WaitingItem<EdgeTask, EdgeOutcome>;

/**
 * Publishes tasks that share windows. What is kept under the key says who waits for the end of the window: whoever comes
 * meanwhile leaves it the newest arguments, and is told of that one. A task is published between two writes, of which the
 * first says that it may be: so nobody is told of one that does not come. Of those that one process publishes under a key
 * at the same time the newest speaks for all who came behind the first, so that a burst costs a few writes.
 */
export class EdgePublisher {
  private readonly lines = new ByKey<EdgeTask, EdgeOutcome>((_, together) => this.serveTogether(together));
  private readonly publishingMs: number;

  constructor(private readonly backend: () => Promise<StateBackend>, publishTimeoutMs: number, private readonly told: EdgeTold) {
    this.publishingMs = publishTimeoutMs + PUBLISHING_MARGIN_MS;
  }

  /** @throws what publishing throws, or the shared state: nothing was published then, nor left to another */
  send(item: EdgeTask): Promise<EdgeOutcome> {
    return this.lines.add(item.request.key, item);
  }

  /** Never rejects. */
  private async serveTogether(together: readonly Waiting[]): Promise<void> {
    const others = together.slice(0, -1);
    const [last] = together.slice(-1);
    if (last === undefined) return;
    try {
      const outcome = await this.one(last.item);
      const { uuid } = outcome.taken ? last.item.task : outcome;
      const replaced = outcome.taken || outcome.replaced;
      if (!outcome.taken) this.told.absorbed(last.item.task, uuid, replaced);
      for (const { item } of others) this.told.absorbed(item.task, uuid, replaced);
      last.resolve(outcome);
      for (const { resolve } of others) resolve({ taken: false, uuid, replaced });
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  }

  private async one(item: EdgeTask): Promise<EdgeOutcome> {
    const { task, request: { key } } = item;
    const backend = await this.backend();
    const token = randomUUID();
    const args = leftArguments(item);
    const deadline = clock.elapsed() + 2 * this.publishingMs;
    const watched = new Watched();
    for (let pauseMs = FIRST_PAUSE_MS; clock.elapsed() < deadline; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const found = await backend.get(key);
      const ask: EdgeAsk = { spec: item.request, uuid: task.uuid, token, burst: token, version: versionIn(task.headers), args, now: clock.now(), isStuck: watched.isStuck(found) };
      const outcome = await this.take(backend, item, found, edgeStep(found && decodeEdgeRecord(found), ask));
      if (outcome !== undefined) return outcome;
      await clock.sleep(pauseMs * (0.5 + clock.random()));
    }
    throw undecided(task, key);
  }

  /** `undefined`: somebody else was faster, or is not decided yet. */
  private async take(backend: StateBackend, item: EdgeTask, found: Buffer | undefined, step: EdgeStep): Promise<EdgeOutcome | undefined> {
    const { key } = item.request;
    if (step.kind === 'wait') return undefined;
    if (step.kind === 'join') {
      const isLeft = step.record === undefined || await this.write(backend, key, found, step.record);
      return isLeft ? step.outcome : undefined;
    }
    const publishing: EdgeRecord = { ...step.held, state: 'publishing', until: clock.now() + this.publishingMs, before: step.before };
    if (!await this.write(backend, key, found, publishing)) return undefined;
    await this.publish(backend, item, publishing, step);
    return step.outcome;
  }

  private async publish(backend: StateBackend, item: EdgeTask, publishing: EdgeRecord, { outcome, held, before }: Extract<EdgeStep, { kind: 'publish' }>): Promise<void> {
    const { task, request: { key, kind, waitMs } } = item;
    const { token, burst, seq } = held;
    const bytes = encodeEdgeRecord(publishing);
    try {
      if (outcome.taken && outcome.as === 'trailing') await item.later({ kind, key, token, burst, seq, waitMs, seen: 0 }, outcome.dueAt);
      else await item.now();
    } catch (error) {
      const undo = before === undefined ? backend.deleteIfEqual(key, bytes) : this.write(backend, key, bytes, before);
      await undo.catch((problem: unknown) => this.told.problem(`That task "${task.name}" (${task.uuid}) could not be published is not known under its key "${key}" for ${STUCK_MS / 1000} s.`, problem));
      throw error;
    }
    this.told.claimed(key, task);
    // Where something else is there, a fast worker has started it already, or another has taken its place.
    await this.write(backend, key, bytes, held).catch((problem: unknown) => {
      this.told.problem(`Task "${task.name}" (${task.uuid}) was published; that others can leave it newer arguments could not be kept.`, problem);
    });
  }

  private async write(backend: StateBackend, key: string, found: Buffer | undefined, record: EdgeRecord): Promise<boolean> {
    const bytes = encodeEdgeRecord(record);
    const expiry = { expiresInMs: edgeKeptMs(record, clock.now()) };
    if (found !== undefined) return backend.replaceIfEqual(key, found, bytes, expiry);
    const claiming = await backend.setIfAbsent(key, bytes, expiry);
    return claiming.taken || claiming.value.equals(bytes);
  }
}

/** For how long the very same bytes were there, by the clock of whoever looks. */
class Watched {
  private bytes: Buffer | undefined;
  private since = 0;

  isStuck(found: Buffer | undefined): boolean {
    if (found === undefined || this.bytes?.equals(found) !== true) {
      this.bytes = found;
      this.since = clock.elapsed();
      return false;
    }
    return clock.elapsed() - this.since >= STUCK_MS;
  }
}

/** `undefined`: they cannot be left to another, and the task takes its place instead. */
function leftArguments({ task, isSecret }: EdgeTask): string | undefined {
  if (isSecret) return undefined;
  const encoded = encodeValue(task.args);
  return 'problem' in encoded || encoded.text.length > MOST_LEFT_CHARACTERS ? undefined : encoded.text;
}

function undecided({ name, uuid }: AddressedTask, key: string): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_EDGE_UNDECIDED',
    `Task "${name}" (${uuid}) was not published: others were publishing under its key "${key}" all the time, and none of them came to an end. Try again.`,
    { task: name, uuid, key }, { retryable: true });
}
