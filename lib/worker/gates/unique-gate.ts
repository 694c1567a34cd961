import type { StateBackend } from '../../state/state-backend.js';
import { uniqueMarkOf } from '../../task/unique.js';
import type { UniqueMark } from '../../task/unique-options.js';
import { decodeUniqueClaim, encodeUniqueClaim, type UniqueClaim } from '../../task/unique-claim.js';
import { clock } from '../../time/clock.js';
import { newerArguments } from './newer-arguments.js';
import { type Entrance, isEnd, type TaskEnd, type TaskGate, type TaskVisit } from './task-gate.js';

/** Each conflict means that somebody else went on. */
const MOST_CONFLICTS = 20;

type Change = (claim: UniqueClaim) => UniqueClaim | undefined;

/**
 * Frees the unique keys that tasks hold: at the start or at the end, as their scope says. Only a task's own key is ever
 * freed. One that holds none any more, because it has expired, runs all the same: what was accepted is run.
 */
export class UniqueGate implements TaskGate {
  readonly name = 'uniqueness';
  private readonly entered = new WeakSet<TaskVisit>();

  constructor(private readonly backend: () => Promise<StateBackend>, private readonly now: () => number = clock.now) {}

  concerns({ headers }: TaskVisit): boolean {
    return uniqueMarkOf(headers) !== undefined;
  }

  async enter(visit: TaskVisit): Promise<Entrance> {
    const mark = markOf(visit);
    const backend = await this.backend();
    const args = mark.scope === 'untilStarted' ? await this.start(backend, mark, visit) : await this.startHolding(backend, mark, visit);
    this.entered.add(visit);
    return args === undefined ? { kind: 'run' } : { kind: 'run', args: newerArguments(args, visit.name) };
  }

  async leave(visit: TaskVisit, end: TaskEnd): Promise<void> {
    const mark = markOf(visit);
    const { scope } = mark;
    if (scope === 'untilFinished' && (end.kind === 'retrying' || end.kind === 'suspended')) return this.keepForRetry(await this.backend(), mark, end.delayMs);
    if (!isEnd(end)) return;
    // A window lasts; and what was started has freed its key then.
    if (scope === 'untilFinished' || (scope === 'untilStarted' && !this.entered.has(visit))) await this.change(await this.backend(), mark, () => undefined);
    if (scope === 'untilStarted' && mark.replace) await (await this.backend()).delete(argumentsKey(visit));
  }

  /** Frees the key. Newer arguments are kept under the task's own uuid first: a redelivery or a retry is to have them too. */
  private async start(backend: StateBackend, mark: UniqueMark, visit: TaskVisit): Promise<string | undefined> {
    const expiresInMs = mark.seconds * 1000;
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const found = await backend.get(mark.key);
      const claim = found && decodeUniqueClaim(found);
      if (found === undefined || claim?.token !== mark.token) break;
      if (claim.args !== undefined) await backend.set(argumentsKey(visit), Buffer.from(claim.args), { expiresInMs });
      if (await backend.deleteIfEqual(mark.key, found)) return claim.args;
    }
    return mark.replace ? (await backend.get(argumentsKey(visit)))?.toString() : undefined;
  }

  /** From now on it takes no other arguments. Where its key has expired and nobody has it, it is held again. */
  private async startHolding(backend: StateBackend, mark: UniqueMark, visit: TaskVisit): Promise<string | undefined> {
    const isWindow = mark.scope === 'window';
    if (isWindow && !mark.replace) return undefined;
    const until = this.now() + mark.seconds * 1000;
    const claim = await this.change(backend, mark, (held) => ({ ...held, state: 'started', until: isWindow ? held.until : until }));
    if (claim === undefined && !isWindow) {
      const anew: UniqueClaim = { uuid: visit.uuid, token: mark.token, state: 'started', until };
      await backend.setIfAbsent(mark.key, encodeUniqueClaim(anew), { expiresInMs: mark.seconds * 1000 });
    }
    return claim?.args;
  }

  private async keepForRetry(backend: StateBackend, mark: UniqueMark, delayMs: number): Promise<void> {
    const until = this.now() + delayMs + mark.seconds * 1000;
    await this.change(backend, mark, (claim) => ({ ...claim, state: 'held', until }));
  }

  /** Changes the claim if it is this task's, or frees the key where the change is `undefined`. Resolves to the claim that it was. */
  private async change(backend: StateBackend, { key, token }: UniqueMark, change: Change): Promise<UniqueClaim | undefined> {
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const found = await backend.get(key);
      const claim = found && decodeUniqueClaim(found);
      if (found === undefined || claim?.token !== token) return undefined;
      const changed = change(claim);
      const isDone = changed === undefined
        ? await backend.deleteIfEqual(key, found)
        : await backend.replaceIfEqual(key, found, encodeUniqueClaim(changed), { expiresInMs: Math.max(changed.until - this.now(), 1) });
      if (isDone) return claim;
    }
    throw new Error(`The unique key "${key}" was changed by others ${MOST_CONFLICTS} times.`);
  }
}

/** Only asked where `concerns` has said so. */
function markOf({ headers }: TaskVisit): UniqueMark {
  return uniqueMarkOf(headers) as UniqueMark;
}

function argumentsKey({ uuid }: TaskVisit): string {
  return `unique-arguments:${uuid}`;
}
