import type { Broker } from '../../../brokers/broker.js';
import { ConfigurationError } from '../../../errors.js';
import type { StateBackend } from '../../../state/state-backend.js';
import { decodeOrderLine, encodeOrderLine, lineAfter, lineWith, type OrderLine } from '../../../task/order-line.js';
import { decodeOrderedTask, encodeOrderedTask, type OrderedSender, type OrderedTask, sendOrdered } from './ordered-task.js';

/** For how long a task may stand in line. */
const KEPT_MS = 366 * 24 * 3_600_000;
/** A delivery of one that has ended may come once more for so long, as long as its claim is remembered: see `REMEMBERED_SECONDS` of `order.ts`. */
const EMPTIED_KEPT_MS = 600_000;
/** Each conflict means that somebody else went on. */
const MOST_CONFLICTS = 1_000;

/** What is there under a key, byte for byte. */
export interface FoundLine {
  readonly bytes: Buffer;
  readonly line: OrderLine;
}

/**
 * The lines of ordered tasks in the state that processes share. All that wait in one are kept there, and only its head is
 * with the broker; whoever ends that one sends the next before its own delivery is acknowledged. What a process has begun
 * and has not ended, when it died, each other one finds written, and ends first: a link, and that a head is to be sent.
 */
export class OrderLines {
  constructor(private readonly backend: () => Promise<StateBackend>, private readonly broker: Pick<Broker, 'publish'>) {}

  async find(key: string): Promise<FoundLine | undefined> {
    const bytes = await (await this.backend()).get(key);
    const line = bytes && decodeOrderLine(bytes);
    return bytes === undefined || line === undefined ? undefined : { bytes, line };
  }

  /** Puts these behind the others, in their order. Resolves to the line, in which the head may have to be sent yet. @throws what the shared state throws */
  async append(key: string, tasks: readonly OrderedTask[]): Promise<OrderLine> {
    const backend = await this.backend();
    const { mayEvict, survivesRestart } = backend.capabilities;
    // Of Redis that is up to its maxmemory-policy, as of the broker.
    if (mayEvict && !survivesRestart) throw evicting(key);
    await Promise.all(tasks.map((task, index) => backend.set(taskKey(task.token), encodeOrderedTask({ ...task, ...nextOf(tasks[index + 1]) }), { expiresInMs: KEPT_MS })));
    const [first, last] = [tasks[0]?.token ?? '', tasks.at(-1)?.token ?? ''];
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const found = await this.linked(key);
      const line = lineWith(found?.line, first, last);
      if (await this.write(key, found, line)) return line;
    }
    throw changedByOthers(key);
  }

  /** Has the broker take the head, where that is not known to have happened. @throws what the broker throws */
  async send(key: string, found: FoundLine, sender?: OrderedSender): Promise<void> {
    const { line } = found;
    if (line.isSent) return;
    const task = await this.task(line.head);
    // Whoever has ended it has gone on already.
    if (task === undefined) return;
    await sendOrdered(this.broker, task, sender);
    await this.noteSent(key, line.head);
  }

  /** The broker has the head. */
  async noteSent(key: string, token: string): Promise<void> {
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const found = await this.find(key);
      if (found === undefined || found.line.head !== token || found.line.isSent || await this.write(key, found, { ...found.line, isSent: true })) return;
    }
  }

  /** Nobody goes on behind this one, if it is the head. */
  async halt(key: string, token: string, now: number): Promise<void> {
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const found = await this.find(key);
      if (found === undefined || found.line.head !== token || await this.write(key, found, { ...found.line, haltedAt: now })) return;
    }
    throw changedByOthers(key);
  }

  /**
   * Goes on behind this one, if it is the head, and sends the next. Repeating it is harmless.
   *
   * @throws what the shared state or the broker throws; to be repeated then
   */
  async leave(key: string, token: string, sender?: OrderedSender): Promise<boolean> {
    const isLeft = await this.drop(key, token);
    const found = await this.find(key);
    if (found !== undefined) await this.send(key, found, sender);
    return isLeft;
  }

  /** The same, and whoever calls sends the next. False: it is not the head. */
  async drop(key: string, token: string): Promise<boolean> {
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const found = await this.linked(key);
      if (found?.line.head !== token) return false;
      const after = lineAfter(found.line, (await this.task(token))?.next);
      // First: whoever has died on the way comes once more, and must not take the line for one that was lost.
      if (after === undefined) await (await this.backend()).set(emptiedKey(key), Buffer.from(token), { expiresInMs: EMPTIED_KEPT_MS });
      if (!await this.write(key, found, after)) continue;
      await (await this.backend()).delete(taskKey(token));
      return true;
    }
    throw changedByOthers(key);
  }

  /** All of it have ended; as opposed to a line of which the shared state has lost what it had. */
  async isEmptied(key: string): Promise<boolean> {
    return await (await this.backend()).get(emptiedKey(key)) !== undefined;
  }

  async task(token: string): Promise<OrderedTask | undefined> {
    const found = await (await this.backend()).get(taskKey(token));
    return found && decodeOrderedTask(found);
  }

  /** The line, whose link is written. */
  private async linked(key: string): Promise<FoundLine | undefined> {
    const found = await this.find(key);
    const link = found?.line.link;
    if (link !== undefined) await this.writeLink(link);
    return found;
  }

  /** One that has left in the meantime has been linked before. */
  private async writeLink({ from, to }: NonNullable<OrderLine['link']>): Promise<void> {
    const backend = await this.backend();
    const bytes = await backend.get(taskKey(from));
    const task = bytes && decodeOrderedTask(bytes);
    if (bytes === undefined || task === undefined || task.next !== undefined) return;
    await backend.replaceIfEqual(taskKey(from), bytes, encodeOrderedTask({ ...task, next: to }), { expiresInMs: KEPT_MS });
  }

  private async write(key: string, found: FoundLine | undefined, line: OrderLine | undefined): Promise<boolean> {
    const backend = await this.backend();
    if (line === undefined) return found === undefined || backend.deleteIfEqual(key, found.bytes);
    const bytes = encodeOrderLine(line);
    if (found !== undefined) return backend.replaceIfEqual(key, found.bytes, bytes, { expiresInMs: KEPT_MS });
    return (await backend.setIfAbsent(key, bytes, { expiresInMs: KEPT_MS })).taken;
  }
}

function nextOf(next: OrderedTask | undefined): Pick<OrderedTask, 'next'> {
  return next === undefined ? {} : { next: next.token };
}

function emptiedKey(key: string): string {
  return `order-emptied:${key}`;
}

function taskKey(token: string): string {
  return `order-task:${token}`;
}

function changedByOthers(key: string): Error {
  return new Error(`The line "${key}" was changed by others ${MOST_CONFLICTS} times.`);
}

function evicting(key: string): ConfigurationError {
  return new ConfigurationError(
    `A task cannot stand in the line "${key}": the result backend forgets entries when its memory is short or when it is restarted, and with them tasks that were accepted. Name one that does not, such as Redis with maxmemory-policy noeviction; or none, and the broker keeps them itself.`, { key });
}
