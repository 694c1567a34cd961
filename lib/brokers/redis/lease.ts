import { randomUUID } from 'node:crypto';
import { clock, type ClockTimer } from '../../time/clock.js';
import type { RedisSession } from './redis-session.js';
import { BEAT, REAP, RELEASE, SILENT } from './scripts/leases.js';
import { SilentOwners, type SilentOwner } from './silent-owners.js';

/** How often a process says that it lives. */
const BEAT_MS = 2_000;
/** Of whom Redis has not heard for so long is watched: one beat may be late. */
const WATCHED_AFTER_MS = 2_200;
/**
 * Who is watched for so long, says nothing and has no connection, is dead: with the beats of both sides that is noticed
 * within nine seconds. After an outage of Redis all have been silent, and are back before that.
 */
const GONE_MS = 4_000;
/** A connection whose answers do not come for so long leads nowhere. */
const ANSWER_LIMIT_MS = 10_000;

export interface LeaseHost {
  /** See `RedisBrokerOptions.silentMs`. */
  readonly silentMs: number;
  /** Queues that were found empty and are waited for. */
  awaited(): readonly string[];
  /** Those of any time since it began. */
  everAwaited(): readonly string[];
  /** One of them has something, says Redis. */
  woken(queue: string): void;
  /** The next delayed message is due in so many milliseconds. */
  due(inMs: number): void;
  /** Others have taken over what this process held. */
  lost(): void;
  /** It goes on under a new name: from now on it can take again. */
  renewed(): void;
  warning(message: string): void;
}

type BeatReply = [isOurs: number, dueInMs: number, ...ready: string[]];

/**
 * What a process holds is its own while it says that it lives, whatever a task takes. Who dies is noticed by the others,
 * each of which looks; who was thought dead and is not notices that too.
 */
export class Lease {
  /** The name under which this process holds messages. */
  owner = randomUUID();
  private isRegistered = false;
  private readonly silent: SilentOwners;
  private session: RedisSession | undefined;
  /** When what Redis answered last was sent. */
  private heardAt = 0;
  private lostAt = 0;
  private timer: ClockTimer | undefined;
  private asked: { readonly at: number } | undefined;

  constructor(private readonly host: LeaseHost) {
    this.silent = new SilentOwners({ goneMs: GONE_MS, silentMs: host.silentMs, lookMs: 3 * BEAT_MS });
  }

  /** On each new connection, before anything is taken over it. */
  async start(session: RedisSession): Promise<void> {
    await this.listen(session);
    this.heardAt = clock.elapsed();
    const [isOurs, dueInMs] = await this.beat(session);
    if (isOurs === 0) await this.renew(session);
    this.isRegistered = true;
    if (dueInMs >= 0) this.host.due(dueInMs);
  }

  connected(session: RedisSession): void {
    this.session = session;
    this.silent.forget();
    this.asked = undefined;
    clock.clear(this.timer);
    this.timer = clock.setInterval(() => this.beatNow(), BEAT_MS);
  }

  disconnected(): void {
    if (this.session !== undefined) this.lostAt = clock.elapsed();
    this.session = undefined;
    clock.clear(this.timer);
  }

  /** Others may have taken over already. */
  isInDoubt(): boolean {
    const now = clock.elapsed();
    return this.session === undefined ? now - this.lostAt > GONE_MS : now - this.heardAt > this.host.silentMs;
  }

  /** At once: there are signs that it is lost. */
  readonly beatNow = (): void => {
    const { session, asked } = this;
    if (session === undefined) return;
    if (asked === undefined) void this.ask(session);
    else if (clock.elapsed() - asked.at > ANSWER_LIMIT_MS) {
      // Where it was this process that stood still, the answer lies in its socket, and is read in between.
      setImmediate(() => setImmediate(() => {
        if (this.asked === asked) session.fail(new Error(`there was no answer for ${ANSWER_LIMIT_MS / 1000} s`));
      }));
    }
  };

  /** In order: what is still held goes back as if it had never been taken. */
  async release(): Promise<void> {
    const { session } = this;
    this.disconnected();
    await session?.call(RELEASE, [this.owner, ...this.host.everAwaited()]);
  }

  private async ask(session: RedisSession): Promise<void> {
    const asked = { at: clock.elapsed() };
    this.asked = asked;
    try {
      const [[isOurs, dueInMs, ...ready]] = await Promise.all([this.beat(session), session.hears()]);
      if (this.session !== session) return;
      if (isOurs === 0) return await this.goOnAnew(session);
      this.heardAt = asked.at;
      if (dueInMs >= 0) this.host.due(dueInMs);
      for (const queue of ready) this.host.woken(queue);
      await this.reap(session);
    } catch {
      // The connection is gone, or Redis takes nothing for now: the next beat tells.
      this.silent.forget();
    } finally {
      if (this.asked === asked) this.asked = undefined;
    }
  }

  private async goOnAnew(session: RedisSession): Promise<void> {
    this.host.warning('This process has said nothing for so long that it was thought dead: what it held is with others now. It goes on. Is its event loop blocked?');
    await this.renew(session);
  }

  private async renew(session: RedisSession): Promise<void> {
    session.unsubscribe(channelOf(this.owner));
    this.owner = randomUUID();
    this.isRegistered = false;
    this.host.lost();
    await this.listen(session);
    this.heardAt = clock.elapsed();
    await this.beat(session);
    this.isRegistered = true;
    this.host.renewed();
  }

  private listen(session: RedisSession): Promise<void> {
    return session.subscribe(channelOf(this.owner), (queue) => this.host.woken(queue.toString()));
  }

  private beat(session: RedisSession): Promise<BeatReply> {
    return session.call<BeatReply>(BEAT, [this.owner, this.isRegistered ? '0' : '1', ...this.host.awaited()]);
  }

  private async reap(session: RedisSession): Promise<void> {
    const found = silentIn(await session.call<(string | number)[]>(SILENT, [this.owner, String(WATCHED_AFTER_MS)]));
    const dead = this.silent.look(found, clock.elapsed());
    if (dead.length === 0) return;
    const reaped = await session.call<(string | number)[]>(REAP, dead.flatMap(({ owner, heard }) => [owner, heard]));
    for (let at = 0; at < reaped.length; at += 2) {
      if (reaped[at + 1] !== 0) this.host.warning(`A process is gone (${reaped[at]}); the ${reaped[at + 1]} messages that it held are given to others.`);
    }
  }
}

function silentIn(reply: readonly (string | number)[]): SilentOwner[] {
  return Array.from({ length: reply.length / 3 }, (_, index) => {
    const [owner, heard, connections] = reply.slice(3 * index, 3 * index + 3);
    return { owner: String(owner), heard: String(heard), isConnected: Number(connections) > 0 };
  });
}

function channelOf(owner: string): string {
  return `w:${owner}`;
}
