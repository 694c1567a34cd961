import { Header } from '../../lib/task/headers.js';
import { isDeadLetterQueue } from '../../lib/task/dead-letter-queue.js';
import { failuresOf, hasEnded, hasSucceeded, newAccount, type Account, type Run } from './account.js';
import type { UniqueOutcome } from '../../lib/task/unique-options.js';
import type { Copy } from './broker/server-queue.js';
import type { CopyWatch } from './broker/server.js';
import { ATTEMPTS, GLOBAL_LIMIT } from './attempts.js';
import { NOBODY } from './lane.js';
import { decodeClaim, type OnceClaim } from '../../lib/worker/gates/once/once-claim.js';
import type { World } from './world.js';

export interface LedgerOptions {
  /** Slots of a process. */
  readonly limit: number;
  readonly maxRedeliveries: number;
}

/** Holds every promise against what really happened, at each step: whatever breaks one, ends the simulation. */
export class Ledger implements CopyWatch {
  readonly accounts = new Map<string, Account>();
  private readonly running = new Set<Run>();
  private readonly claims = new Map<string, OnceClaim>();
  /** What each process has begun, and not acknowledged. */
  private readonly inHand = new Map<number, Set<string>>();

  constructor(private readonly world: World, private readonly options: LedgerOptions) {}

  account(uuid: string): Account {
    let account = this.accounts.get(uuid);
    if (account === undefined) this.accounts.set(uuid, (account = newAccount(uuid)));
    return account;
  }

  accepted(uuid: string): void {
    const account = this.account(uuid);
    this.hold(account.isStored, `publish() of ${uuid} resolved, and the broker never had it`);
  }

  /** Part of {@link CopyWatch}. */
  stored(copy: Copy, queue: string | undefined): void {
    const { messageId, headers } = copy.message.properties;
    if (messageId === undefined || !isTask(copy)) return;
    const account = this.account(messageId);
    account.isStored = true;
    account.isOnce ||= headers?.[Header.once] !== undefined;
    if (queue === undefined || !isDeadLetterQueue(queue)) account.copies++;
    else this.buried(account, copy);
  }

  /** Part of {@link CopyWatch}. */
  gone(copy: Copy, by: number | undefined): void {
    const account = this.accounts.get(copy.message.properties.messageId ?? '');
    if (account === undefined || !isTask(copy)) return;
    account.copies--;
    if (by === undefined) account.isExcused = true;
    else if (by !== NOBODY) this.settled(account, by);
    this.hold(account.copies > 0 || hasEnded(account) || account.isExcused || account.isCalledOff, `task ${account.uuid} is lost: its last copy was acknowledged by ${by}, and it has neither succeeded nor become a dead letter`);
  }

  /** Part of {@link CopyWatch}. */
  givenUp(copy: Copy): void {
    const account = this.account(copy.message.properties.messageId ?? '');
    account.copies--;
    account.dead++;
    this.hold(false, `task ${account.uuid} was given up by its quorum queue, after ${copy.returns} returns`);
  }

  began(run: Run, slots: number): void {
    const account = this.account(run.uuid);
    const { uuid, attempt, owner } = run;
    this.hold(account.isStored, `task ${uuid} runs, and nobody has published it`);
    this.hold(attempt === 1 || failuresOf(account, attempt - 1) > 0, `task ${uuid} is charged attempt ${attempt}, and attempt ${attempt - 1} has not failed`);
    this.hold(attempt <= ATTEMPTS, `task ${uuid} runs for the ${attempt}th time, of at most ${ATTEMPTS}`);
    if (account.isOnce) {
      // What comes back from whoever may be dead is run again at once, as any task is.
      this.hold(run.redelivered || !account.runs.some(({ state }) => state === 'running'), `task ${uuid}, which is to start once, runs twice at the same time`);
    }
    account.runs.push(run);
    this.inHand.set(owner, (this.inHand.get(owner) ?? new Set()).add(uuid));
    this.running.add(run);
    const here = [...this.running].filter((one) => one.owner === owner).length;
    this.hold(here <= slots, `process ${owner} runs ${here} tasks in ${slots} slots`);
    if (run.name === 'limited') this.holdLimit(run, undefined, GLOBAL_LIMIT);
    if (run.name === 'keyed') this.holdLimit(run, run.key, 1);
  }

  ended(run: Run, state: Exclude<Run['state'], 'running'>): void {
    if (run.state !== 'running') return;
    run.state = state;
    this.running.delete(run);
  }

  /** Its process is no more, and had these in hand. */
  left(owner: number, unsettled: Iterable<Copy>): void {
    for (const run of [...this.running]) if (run.owner === owner) this.ended(run, 'gone');
    const uuids = new Set([...this.inHand.get(owner) ?? [], ...[...unsettled].map(({ message }) => message.properties.messageId ?? '')]);
    this.inHand.delete(owner);
    for (const uuid of uuids) {
      const account = this.accounts.get(uuid);
      if (account !== undefined) account.crashes++;
    }
  }

  /** Its process said that it could not record how it was left, and that this may count as a crash. */
  untold(uuid: string): void {
    this.account(uuid).crashes++;
  }

  /** How many handlers of this process did not stop when they were asked to, and may run still. */
  deafOf(owner: number): number {
    return [...this.accounts.values()].flatMap(({ runs }) => runs).filter((run) => run.owner === owner && run.state === 'aborted').length;
  }

  /** Which tasks hold this key for certain: who published them was told so, and they have not ended. */
  holdersOf(key: string): string[] {
    return [...this.accounts.values()].filter((account) => account.key === key && !account.isExcused && !hasEnded(account)).map(({ uuid }) => uuid);
  }

  /** @param before who held the key when this was published */
  claimed(uuid: string, key: string, unique: UniqueOutcome, before: readonly string[]): void {
    if (!unique.taken) return this.hold(this.account(unique.uuid).isStored, `task ${uuid} was refused for ${unique.uuid}, which the broker never had`);
    this.accepted(uuid);
    this.account(uuid).key = key;
    const still = this.holdersOf(key).filter((other) => before.includes(other));
    this.hold(still.length === 0, `task ${uuid} has taken the unique key "${key}", which ${still.join(', ')} still holds`);
  }

  /** A step that is not to run any more; that its workflow may not, is held by the workflow. */
  calledOff(uuid: string): void {
    const account = this.account(uuid);
    account.isCalledOff ||= account.isOnce;
  }

  /** A claim to run something once has changed in the store: what is done stays done. */
  claimChanged(key: string, value: Buffer): void {
    const [before, claim] = [this.claims.get(key), decodeClaim(value)];
    this.hold(before?.state !== 'done' || claim?.state === 'done', `the claim ${key} is taken again after its end was recorded`);
    if (claim !== undefined) this.claims.set(key, claim);
  }

  /** It was said that its key may be free too early. */
  unheld(uuid: string): void {
    this.account(uuid).key = undefined;
  }

  get hasExcused(): boolean {
    return [...this.accounts.values()].some(({ isExcused }) => isExcused);
  }

  /** What should be over, and is not. */
  *open(): Generator<string> {
    for (const { uuid, copies, isStored } of this.accounts.values()) if (isStored && copies > 0) yield uuid;
  }

  hold(isKept: boolean, promise: string): void {
    if (!isKept) this.world.broken(promise);
  }

  private settled(account: Account, owner: number): void {
    this.inHand.get(owner)?.delete(account.uuid);
  }

  private buried(account: Account, { message: { properties: { headers } } }: Copy): void {
    const { uuid, runs } = account;
    account.dead++;
    const { [Header.deadReason]: reason = '', [Header.deadError]: error = '', [Header.attempt]: attempt = 1 } = headers as { [header: string]: string | undefined } & { [Header.attempt]?: number };
    const failures = failuresOf(account, attempt);
    const isDue = (): boolean => {
      switch (reason) {
        case 'failed': return (attempt >= ATTEMPTS && failures > 0) || runs.some(({ state }) => state === 'gave-up');
        case 'timed-out': return attempt >= ATTEMPTS && failures > 0;
        case 'crash-loop': return account.crashes > this.options.maxRedeliveries;
        default: return false;
      }
    };
    this.hold(isDue(), `task ${uuid} became a dead letter "${reason}" at attempt ${attempt}, which failed ${failures} times; ${account.crashes} processes died that had it in hand: ${error}`);
    this.hold(!hasSucceeded(account) || runs.length > 1, `task ${uuid} has succeeded, and is a dead letter`);
  }

  private holdLimit({ name }: Run, key: string | undefined, most: number): void {
    const count = [...this.running].filter((run) => run.name === name && (key === undefined || run.key === key)).length;
    this.hold(count <= most, `${count} tasks "${name}"${key === undefined ? '' : ` of the key ${key}`} run at the same time, of at most ${most}`);
  }
}

/** Notes and markers of the library's own are no tasks. */
function isTask({ message: { properties: { contentType, headers } }, routingKey }: Copy): boolean {
  return !routingKey.includes('.control.') && !routingKey.endsWith('.lines') && (contentType !== undefined || headers !== undefined);
}
