import { clock, type ClockTimer } from '../../../time/clock.js';
import type { RedisSession } from '../redis-session.js';
import type { ForeignPlace } from './foreign-register.js';
import type { Put, TimedSet } from './peer.js';
import { FOREIGN_DUE, FOREIGN_MOVE, FOREIGN_OWN_DUE } from './put-scripts.js';
import { FOREIGN_REAP, REAP_POOLS } from './scripts.js';

/** How often the sets of other systems are looked at: they count in seconds themselves. */
const LOOK_MS = 500;
/** As a beat of the lease. */
const REAP_MS = 2_000;
/** A pool of gocraft/work says every 5 seconds that it lives. Its like take it for dead after 10; we are in no hurry. */
const SILENT_POOL_SECONDS = 20;
const WARNED_AGAIN_MS = 60_000;

export interface DueJobsHost {
  queues(): readonly ForeignPlace[];
  /** It has something now. */
  woken(): void;
  warning(message: string): void;
}

/** Moves what is due in the sets of other systems, beside their own pollers, and gives back what the dead have held. */
export class DueJobs {
  private session: RedisSession | undefined;
  private timer: ClockTimer | undefined;
  private reapedAt = 0;
  private warnedAt = -Infinity;

  constructor(private readonly host: DueJobsHost) {}

  connected(session: RedisSession): void {
    this.session = session;
    this.begin();
  }

  /** There is a queue of another system, or may be. */
  begin(): void {
    if (this.session !== undefined && this.host.queues().length > 0) this.arm();
  }

  disconnected(): void {
    this.session = undefined;
    clock.clear(this.timer);
  }

  private arm(): void {
    clock.clear(this.timer);
    this.timer = clock.setLook(() => void this.look(), LOOK_MS);
  }

  private async look(): Promise<void> {
    const { session } = this;
    if (session === undefined) return;
    let moved = 0;
    // One that Redis refuses, as a key that is something else, does not keep the others from being done.
    for (const step of this.steps()) moved += await step(session).catch((error: unknown) => this.failed(session, error as Error));
    if (this.session !== session) return;
    if (moved > 0) this.host.woken();
    this.arm();
  }

  private steps(): ((session: RedisSession) => Promise<number>)[] {
    const steps = this.sets().map((set) => (session: RedisSession) => moveDue(session, set));
    // Whoever has let it wait with us may be gone: every process looks.
    if (this.host.queues().some((place) => place.peer.timed(place).length === 0)) steps.push((session) => session.call<number>(FOREIGN_OWN_DUE, []));
    if (clock.elapsed() - this.reapedAt < REAP_MS) return steps;
    this.reapedAt = clock.elapsed();
    return [...steps, (session) => this.reapPools(session), (session) => this.reap(session)];
  }

  /** Of a connection that is gone nothing need be said. */
  private failed(session: RedisSession, error: Error): number {
    if (this.session === session && clock.elapsed() - this.warnedAt > WARNED_AGAIN_MS) {
      this.warnedAt = clock.elapsed();
      this.host.warning(`What is due in the keys of other systems cannot be moved, or what the dead have held be given back; it is tried again. ${error.message}`);
    }
    return 0;
  }

  private async reap(session: RedisSession): Promise<number> {
    let count = 0;
    const dead = await session.call<(string | number)[]>(FOREIGN_REAP, []);
    for (let at = 0; at < dead.length; at += 2) {
      const held = Number(dead[at + 1]);
      count += held;
      if (held > 0) this.host.warning(`A process is gone (${dead[at]}); the ${held} messages of other systems that it held are back where it took them from.`);
    }
    return count;
  }

  private async reapPools(session: RedisSession): Promise<number> {
    let jobs = 0;
    const namespaces = new Set(this.host.queues().flatMap((place) => place.peer.lines(place)).filter(({ from }) => from === 'G').map(({ key }) => key));
    for (const namespace of namespaces) {
      const count = await session.call<number>(REAP_POOLS, [namespace, String(SILENT_POOL_SECONDS)]);
      jobs += count;
      if (count > 0) this.host.warning(`A worker pool of gocraft/work in the namespace "${namespace.slice(0, -1)}" says nothing any more; its ${count} jobs in progress wait again.`);
    }
    return jobs;
  }

  /** Each once, however many queues share it. */
  private sets(): TimedSet[] {
    const sets = this.host.queues().flatMap((place) => place.peer.timed(place));
    return [...new Map(sets.map((set) => [set.key, set])).values()];
  }
}

/** Whoever else moves it meanwhile, each is moved once. */
async function moveDue(session: RedisSession, set: TimedSet): Promise<number> {
  const { key, unit } = set;
  const [time, ...elements] = await session.callForBytes<Buffer[]>(FOREIGN_DUE, [key, unit]);
  const nowMs = Number(time);
  const moves = elements.map((element): [Buffer, Put | undefined] => [element, set.due(element, nowMs)]).filter((move): move is [Buffer, Put] => move[1] !== undefined);
  if (moves.length === 0) return 0;
  return session.call<number>(FOREIGN_MOVE, [key, ...moves.flatMap(([old, { to, key: list, known, element }]) => [old, to, list, known?.key ?? '', known?.member ?? '', element])]);
}
