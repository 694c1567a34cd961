import { Arrivals } from './wait.js';

export type LedgerEntry =
  /** Its publish resolved: from here on it must not be lost. */
  | { kind: 'accepted'; uuid: string }
  /** Its publish rejected: it may run or not, but it may not be invented. */
  | { kind: 'rejected'; uuid: string }
  | { kind: 'started'; uuid: string }
  | { kind: 'finished'; uuid: string }
  | { kind: 'dead'; uuid: string; reason?: string };

/**
 * What became of every task in a test that breaks things. Lost = accepted, but neither finished nor
 * dead. Whatever happens, `lost()` and `invented()` must end empty.
 */
export class Ledger {
  readonly accepted = new Set<string>();
  readonly rejected = new Set<string>();
  /** How often each started, finished, became a dead letter. */
  readonly started = new Map<string, number>();
  readonly finished = new Map<string, number>();
  readonly dead = new Map<string, string>();
  private readonly entries = new Arrivals<void>();
  private unsettled = new Set<string>();

  /** Bound, so that it can be given as a callback. */
  readonly add = (entry: LedgerEntry): void => {
    const { uuid } = entry;
    switch (entry.kind) {
      case 'accepted': this.accepted.add(uuid); break;
      case 'rejected': this.rejected.add(uuid); break;
      case 'started': increment(this.started, uuid); break;
      case 'finished': increment(this.finished, uuid); break;
      case 'dead': this.dead.set(uuid, entry.reason ?? ''); break;
    }
    this.noteWhetherSettled(uuid);
    this.entries.all.length = 0;
    this.entries.add();
  };

  /** Publishes through `publish` and books the outcome; never rejects. */
  async offer(uuid: string, publish: () => Promise<unknown>): Promise<void> {
    try {
      await publish();
      this.add({ kind: 'accepted', uuid });
    } catch {
      this.add({ kind: 'rejected', uuid });
    }
  }

  /** One line of a child process's output, where it is an entry; everything else is passed over. */
  readonly addLine = (line: string): void => {
    if (!line.startsWith('{"kind":')) return;
    this.add(JSON.parse(line) as LedgerEntry);
  };

  /** How often any of them started. */
  get starts(): number {
    let sum = 0;
    for (const count of this.started.values()) sum += count;
    return sum;
  }

  lost(): string[] {
    return [...this.unsettled];
  }

  /** Ran or died without ever having been offered. */
  invented(): string[] {
    const seen = new Set([...this.started.keys(), ...this.finished.keys(), ...this.dead.keys()]);
    return [...seen].filter((uuid) => !this.accepted.has(uuid) && !this.rejected.has(uuid));
  }

  /** Finished more than once: allowed, at-least-once, but countable. */
  duplicates(): string[] {
    return [...this.finished].filter(([, times]) => times > 1).map(([uuid]) => uuid);
  }

  /** Waits until nothing is lost; the text of its error says how the account stands. */
  settled(limitMs: number): Promise<void> {
    return this.until(() => this.unsettled.size === 0, limitMs, 'every accepted task to be finished or dead');
  }

  until(isDone: () => boolean, limitMs: number, what: string): Promise<void> {
    return this.entries.until(isDone, limitMs, () => `${what}. ${this.toString()}`);
  }

  toString(): string {
    const some = this.lost().slice(0, 5).join(', ');
    return `accepted ${this.accepted.size}, rejected ${this.rejected.size}, started ${this.started.size}, `
      + `finished ${this.finished.size}, dead ${this.dead.size}, lost ${this.unsettled.size}${some === '' ? '' : ` (${some}, ...)`}`;
  }

  private noteWhetherSettled(uuid: string): void {
    if (!this.accepted.has(uuid)) return;
    if (this.finished.has(uuid) || this.dead.has(uuid)) this.unsettled.delete(uuid);
    else this.unsettled.add(uuid);
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
