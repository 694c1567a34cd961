import type { FoundMessage } from './held-stores.js';
import { stalled } from './stalled.js';
import type { TaskOutcome } from './outcomes.js';
import type { Stage } from './stage.js';

/** What {@link DispatcherTesting.drain} has run: how many attempts ended how. @publicApi */
export type DrainSummary = Readonly<Record<TaskOutcome['state'], number>>;

/** More rounds than any test means: a task is put off again and again. */
const MOST_ROUNDS = 100_000;

/** Lets tasks run that wait, and waits for their ends. */
export class Runs {
  /** The innermost last. */
  private readonly waiters: symbol[] = [];

  constructor(private readonly stage: Stage) {}

  async drain({ delayed = false }: { readonly delayed?: boolean }): Promise<DrainSummary> {
    const { outcomes } = this.stage;
    const from = outcomes.list.length;
    this.begin();
    for (let rounds = 0; await this.runReady() || (delayed && await this.passToNext()); rounds++) {
      if (rounds >= MOST_ROUNDS) throw stalled(`After ${MOST_ROUNDS} rounds there is still something to run. Last: ${this.lastOnes()}. A task that comes back for ever is never drained.`, {});
    }
    return summary(outcomes.list.slice(from));
  }

  async runNext(): Promise<TaskOutcome | undefined> {
    this.begin();
    return this.runFirst(() => true);
  }

  async runAll(name: string): Promise<TaskOutcome[]> {
    this.begin();
    const ended: TaskOutcome[] = [];
    for (let next = await this.runFirst((one) => one === name); next !== undefined; next = await this.runFirst((one) => one === name)) ended.push(next);
    return ended;
  }

  /** The end of an attempt of this task, one of those from that place on. @throws DispatcherError when nothing brings it about any more */
  async ended(uuid: string, from: number): Promise<TaskOutcome> {
    const { outcomes, stillness } = this.stage;
    const find = (): TaskOutcome | undefined => outcomes.list.slice(from).find((outcome) => outcome.uuid === uuid);
    const waiter = Symbol(uuid);
    this.waiters.push(waiter);
    try {
      for (let found = find(); ; found = find()) {
        if (found !== undefined) return found;
        const isInnermost = this.waiters.at(-1) === waiter;
        await stillness.reached();
        // Its handler waits for one that was published within it: that one goes on first, and then it itself.
        if (find() !== undefined || !isInnermost || this.waiters.at(-1) !== waiter) continue;
        // Its worker may have moved it into another queue of its own; or it may wait for another one that is kept.
        if (!this.release(({ properties }) => properties.messageId === uuid) && !this.release(() => true)) throw this.stalledAt(uuid);
      }
    } finally {
      this.waiters.splice(this.waiters.indexOf(waiter), 1);
    }
  }

  /** What a handler does from now on in the real world is waited for; of one that runs already it is known. */
  begin(): void {
    if (this.stage.running.size === 0) this.stage.stillness.begin();
  }

  /** True: something was run. */
  private async runReady(): Promise<boolean> {
    const { stage } = this;
    const before = stage.outcomes.count;
    if (stage.mode === 'manual') return await this.runFirst(() => true) !== undefined;
    const isStill = await stage.stillness.reached();
    if (!isStill) throw this.stalledAt([...stage.running.keys()][0] ?? '');
    return stage.outcomes.count > before;
  }

  private async runFirst(wanted: (name: string) => boolean): Promise<TaskOutcome | undefined> {
    await this.stage.stillness.reached();
    const from = this.stage.outcomes.list.length;
    const uuid = this.release((message) => wanted(this.stage.nameOf(message) ?? ''));
    return uuid === undefined ? undefined : this.ended(uuid, from);
  }

  private release(wanted: (message: FoundMessage) => boolean): string | undefined {
    const { stage } = this;
    if (stage.mode !== 'manual') return undefined;
    const next = stage.messages.kept().find(wanted);
    const uuid = next?.properties.messageId;
    if (next === undefined || uuid === undefined) return undefined;
    next.store.release(next.queue, [uuid]);
    return uuid;
  }

  /** True: time has passed up to what is due next. */
  private async passToNext(): Promise<boolean> {
    const { stage } = this;
    const next = await stage.messages.nextDue();
    if (next === undefined) return false;
    await stage.clock.advance({ milliseconds: Math.max(1, next - stage.time.now()) });
    return true;
  }

  private stalledAt(uuid: string): Error {
    const name = this.stage.running.get(uuid);
    if (name === undefined) {
      return stalled(`Task ${uuid} was to run, and no worker under test has taken it: its worker or queue is paused, has no free slot, or a limit holds it back.`, { uuid });
    }
    return stalled(
      `Task "${name}" (${uuid}) does not end: its handler waits for something that does not come by itself. For time to pass, as for its timeout, call clock.advance() instead; `
      + 'for something real that takes long, raise patienceSeconds.', { uuid, task: name });
  }

  private lastOnes(): string {
    return this.stage.outcomes.list.slice(-3).map(({ name, state }) => `${name} (${state})`).join(', ');
  }
}

function summary(outcomes: readonly TaskOutcome[]): DrainSummary {
  const counts = { succeeded: 0, retrying: 0, failed: 0, cancelled: 0, expired: 0, dropped: 0, returned: 0, suspended: 0 };
  for (const { state } of outcomes) counts[state]++;
  return counts;
}
