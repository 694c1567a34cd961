import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AckCoalescer, type AckSink } from '../../../../../lib/brokers/amqp/consuming/ack-coalescer.js';

/** Behaves as RabbitMQ does: an ack or nack that names a tag which is not outstanding closes the channel. */
class Server implements AckSink {
  readonly outstanding = new Set<number>();
  readonly settled = new Map<number, 'ack' | 'requeue'>();
  frames = 0;
  mayAck: (tag: number) => boolean = () => true;

  ack(tag: number, multiple: boolean): void {
    this.frames++;
    if (!this.outstanding.has(tag)) throw new Error(`406 unknown delivery tag ${tag}`);
    for (const one of multiple ? [...this.outstanding].filter((other) => other <= tag) : [tag]) this.settle(one, 'ack');
  }

  requeue(tag: number): void {
    this.frames++;
    if (!this.outstanding.has(tag)) throw new Error(`406 unknown delivery tag ${tag}`);
    this.settle(tag, 'requeue');
  }

  private settle(tag: number, how: 'ack' | 'requeue'): void {
    if (how === 'ack' && !this.mayAck(tag)) throw new Error(`tag ${tag} acknowledged before its task finished`);
    this.outstanding.delete(tag);
    this.settled.set(tag, how);
  }
}

class Timers {
  readonly pending = new Set<() => void>();
  private turn: (() => void) | undefined;
  readonly schedule = (callback: () => void, ms: number): (() => void) => {
    const run = (): void => {
      this.pending.delete(run);
      callback();
    };
    this.pending.add(run);
    if (ms === 0) this.turn = run;
    return () => this.pending.delete(run);
  };
  /** @returns false where nothing was to be done at its end */
  fireTurn(): boolean {
    const { turn } = this;
    this.turn = undefined;
    if (turn === undefined || !this.pending.has(turn)) return false;
    turn();
    return true;
  }
  fire(index: number): void {
    const all = [...this.pending];
    all[index % Math.max(1, all.length)]?.();
  }
  fireAll(): void {
    while (this.pending.size > 0) this.fire(0);
  }
}

function setUp(prefetch: number, running?: number): { server: Server; timers: Timers; coalescer: AckCoalescer } {
  const server = new Server();
  const timers = new Timers();
  const coalescer = new AckCoalescer(server, timers.schedule);
  coalescer.setPrefetch(prefetch, running);
  return { server, timers, coalescer };
}

function deliver(coalescer: AckCoalescer, server: Server, from: number, to: number): void {
  for (let tag = from; tag <= to; tag++) {
    server.outstanding.add(tag);
    coalescer.delivered(tag);
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('deliver' as const), pick: fc.nat(8) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('finish' as const), pick: fc.nat(400) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('requeue' as const), pick: fc.nat(400) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('timer' as const), pick: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prefetch' as const), pick: fc.nat(300), running: fc.option(fc.nat(300), { nil: undefined }) }) },
);

describe('AckCoalescer', () => {
  it('settles every tag exactly once, as it ended, and never before it ended', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), fc.integer({ min: 1, max: 200 }), (steps, prefetch) => {
        const { server, timers, coalescer } = setUp(prefetch);
        const running: number[] = [];
        const ended = new Map<number, 'ack' | 'requeue'>();
        let last = 0;
        server.mayAck = (tag) => ended.get(tag) === 'ack';
        const end = (pick: number, how: 'ack' | 'requeue'): void => {
          const [tag] = running.splice(pick % running.length, 1) as [number];
          ended.set(tag, how);
          if (how === 'ack') coalescer.finish(tag);
          else coalescer.requeue(tag);
        };
        for (const one of steps) {
          const { kind, pick } = one;
          if (kind === 'deliver') {
            deliver(coalescer, server, last + 1, last + 1 + pick);
            for (let tag = last + 1; tag <= last + 1 + pick; tag++) running.push(tag);
            last += 1 + pick;
          } else if (kind === 'timer') timers.fire(pick);
          else if (one.kind === 'prefetch') coalescer.setPrefetch(1 + pick, one.running);
          else if (running.length > 0) end(pick, kind === 'finish' ? 'ack' : 'requeue');
          // As the server counts.
          if (coalescer.outstanding !== server.outstanding.size) throw new Error(`${coalescer.outstanding} counted, ${server.outstanding.size} outstanding`);
        }
        while (running.length > 0) end(0, 'ack');
        timers.fireAll();
        expect(server.outstanding.size).toBe(0);
        expect(server.settled).toEqual(ended);
      }),
      { numRuns: 2_000 },
    );
  });

  it('acknowledges 50 deliveries of a large prefetch with one frame', () => {
    const { server, coalescer } = setUp(400, 100);
    deliver(coalescer, server, 1, 50);
    for (let tag = 1; tag <= 50; tag++) coalescer.finish(tag);
    expect({ frames: server.frames, left: server.outstanding.size }).toEqual({ frames: 1, left: 0 });
  });

  it('acknowledges at the end of the turn, and together, where all that may be unsettled is worked on', () => {
    const { server, timers, coalescer } = setUp(10);
    deliver(coalescer, server, 1, 10);
    for (const tag of [1, 2, 3, 5]) coalescer.finish(tag);
    expect(server.frames).toBe(0);
    timers.fireTurn();
    expect([...server.outstanding]).toEqual([4, 6, 7, 8, 9, 10]);
    expect(server.frames).toBe(2);
  });

  it('lets half of what waits here go untold, and no more', () => {
    const { server, timers, coalescer } = setUp(30, 10);
    deliver(coalescer, server, 1, 30);
    for (let tag = 2; tag <= 11; tag++) coalescer.finish(tag);
    expect(timers.fireTurn()).toBe(false);
    coalescer.finish(12);
    timers.fireTurn();
    expect(server.outstanding.size).toBe(19);
  });

  it('tells nothing at the end of a turn in which it was told in fifties', () => {
    const { server, timers, coalescer } = setUp(120, 40);
    deliver(coalescer, server, 1, 60);
    for (let tag = 1; tag <= 60; tag++) coalescer.finish(tag);
    timers.fireTurn();
    expect({ frames: server.frames, left: server.outstanding.size }).toEqual({ frames: 1, left: 10 });
  });

  it('acknowledges what is stuck for long by its timer, and then names the highest untold tag', () => {
    const { server, timers, coalescer } = setUp(200, 100);
    deliver(coalescer, server, 1, 4);
    coalescer.finish(2);
    coalescer.finish(4);
    timers.fire(0);
    timers.fire(0);
    expect([...server.outstanding]).toEqual([1, 3]);
    coalescer.finish(1);
    coalescer.finish(3);
    timers.fireAll();
    expect(server.outstanding.size).toBe(0);
  });

  it('of a large prefetch, tells what is far from the front later, when it is near or all before it has finished', () => {
    const { server, timers, coalescer } = setUp(4_000, 0);
    deliver(coalescer, server, 1, 3_000);
    for (const tag of [500, 2_500]) coalescer.finish(tag);
    timers.fire(0);
    timers.fire(0);
    expect([server.outstanding.has(500), server.outstanding.has(2_500)]).toEqual([false, true]);
    // Many have finished meanwhile: now it is near.
    for (let tag = 1; tag <= 2_000; tag++) if (tag !== 500) coalescer.finish(tag);
    timers.fire(0);
    expect(server.outstanding.has(2_500)).toBe(false);
    expect(coalescer.outstanding).toBe(server.outstanding.size);
  });

  it('tells it in the end although the front stays where it is', () => {
    const { server, timers, coalescer } = setUp(4_000, 0);
    deliver(coalescer, server, 1, 3_000);
    coalescer.finish(2_500);
    let fired = 0;
    for (; server.outstanding.has(2_500) && fired < 100; fired++) timers.fire(0);
    expect(fired).toBeGreaterThan(10);
    expect(fired).toBeLessThan(100);
  });

  it('tells everything finished before it closes, however far from the front', () => {
    const { server, coalescer } = setUp(4_000, 0);
    deliver(coalescer, server, 1, 3_000);
    coalescer.finish(2_500);
    coalescer.close();
    expect(server.outstanding.has(2_500)).toBe(false);
  });

  it('tells everything finished before it closes, and leaves no timer', () => {
    const { server, timers, coalescer } = setUp(100);
    deliver(coalescer, server, 1, 5);
    for (const tag of [1, 2, 5]) coalescer.finish(tag);
    coalescer.close();
    expect({ left: [...server.outstanding], timers: timers.pending.size }).toEqual({ left: [3, 4], timers: 0 });
  });

  it('acknowledges what had finished behind a delivery that is given back', () => {
    const { server, timers, coalescer } = setUp(4);
    deliver(coalescer, server, 1, 2);
    coalescer.finish(2);
    coalescer.requeue(1);
    timers.fireAll();
    expect([...server.settled]).toEqual([[1, 'requeue'], [2, 'ack']]);
  });

  it('requeues one delivery and nothing below it', () => {
    const { server, coalescer } = setUp(100);
    deliver(coalescer, server, 1, 3);
    coalescer.finish(1);
    coalescer.requeue(2);
    expect([...server.settled]).toEqual([[1, 'ack'], [2, 'requeue']]);
  });
});
