import { BrokerUnavailableError, PublishTimeoutError, ShutdownError } from '../index.js';
import type { OutboxEntry } from './outbox-entry.js';
import type { RelayHost } from './relay-host.js';

const LONGEST_TEXT = 1_000;

/** What became of the tasks of one batch. */
export class Sending {
  /** The broker has them. */
  readonly done: OutboxEntry[] = [];
  /** The broker has refused them; each is tried again by itself. */
  readonly failed: { readonly entry: OutboxEntry; readonly error: unknown }[] = [];
  /** The broker has gone: no task's fault, and no more is sent. */
  private isAway = false;

  constructor(private readonly host: Pick<RelayHost, 'send' | 'problem'>, private readonly isStopped: () => boolean) {}

  /** One after the other; those behind one that is not sent wait for it. Never rejects. */
  async send(chain: readonly OutboxEntry[]): Promise<void> {
    for (const entry of chain) {
      if (this.isAway || this.isStopped()) return;
      try {
        await this.host.send(entry.task);
        this.done.push(entry);
      } catch (error) {
        return this.notSent(entry, error);
      }
    }
  }

  private notSent(entry: OutboxEntry, error: unknown): void {
    if (error instanceof BrokerUnavailableError || error instanceof PublishTimeoutError || error instanceof ShutdownError) {
      this.isAway = true;
      return;
    }
    this.failed.push({ entry, error });
    if (entry.tries === 0) this.host.problem(`Task "${entry.task.name}" (${entry.task.uuid}) waits in the outbox, and is tried again`, error);
  }
}

/** For the table: a text in PostgreSQL has no NUL. */
export function textOf(error: unknown): string {
  return String(error).replaceAll('\0', '').slice(0, LONGEST_TEXT);
}
