import type { Delivery } from '../../brokers/broker.js';
import { clock, type ClockTimer } from '../../time/clock.js';
import type { IntakeHost } from './intake.js';
import type { Line } from './line.js';
import type { LineTurns } from './line-turns.js';
import { RefillClock } from './refill-clock.js';

/** How deliveries come into the slots: asked for one by one, or kept here ahead. */
export interface Supply {
  /** What a free slot should run now. */
  next(): Delivery | undefined;
  /** One has come, of a line that may run. */
  arrived(line: Line, delivery: Delivery): void;
  /** Forgets what it waits for; its timers end. */
  stop(): void;
}

/**
 * For long tasks: nothing is kept here. The line whose turn it is, is asked for one when a slot is free. One that has
 * not answered is empty, and stays open for one: what comes first, runs first.
 */
export class AskingSupply implements Supply {
  private asked = 0;
  /** Of each line that was asked, until it answers. */
  private readonly timers = new Map<Line, ClockTimer>();

  constructor(private readonly lines: readonly Line[], private readonly turns: LineTurns, private readonly clock: RefillClock, private readonly host: IntakeHost) {
    for (const line of lines) this.shut(line);
  }

  next(): Delivery | undefined {
    while (this.host.freeSlots > this.asked) {
      const line = this.turns.next(canGiveOrBeAsked);
      const delivery = line?.waiting.shift();
      if (line === undefined || delivery !== undefined) return delivery;
      this.ask(line);
    }
    return undefined;
  }

  arrived(line: Line, delivery: Delivery): void {
    if (line.asked > 0) {
      line.asked--;
      this.asked--;
      this.clock.observe(clock.elapsed() - line.wantedAt);
    }
    if (line.asked === 0) {
      this.stopWaiting(line);
      this.shut(line);
    }
    this.host.receive(delivery);
    this.host.fill();
  }

  stop(): void {
    this.asked = 0;
    for (const line of this.lines) {
      this.stopWaiting(line);
      line.asked = 0;
    }
  }

  /** It may have more; they stay at the broker until it is asked. */
  private shut(line: Line): void {
    line.isEmpty = false;
    line.setPrefetch(0);
  }

  private ask(line: Line): void {
    line.asked++;
    line.wantedAt = clock.elapsed();
    this.asked++;
    line.expect();
    this.stopWaiting(line);
    this.timers.set(line, clock.setAnswerTimeout(() => {
      this.timers.delete(line);
      this.unanswered(line);
      this.host.fill();
    }, this.clock.patienceMs));
  }

  private stopWaiting(line: Line): void {
    clock.clear(this.timers.get(line));
    this.timers.delete(line);
  }

  private unanswered(line: Line): void {
    this.asked -= line.asked;
    line.asked = 0;
    line.isEmpty = true;
    line.expect();
  }
}

/**
 * For short tasks: each line keeps some here, and the next start is chosen among them. Where it is the turn of one
 * whose next deliveries are on their way, the others wait a moment for it.
 */
export class KeptSupply implements Supply {
  private awaited: Line | undefined;
  private timer: ClockTimer | undefined;
  private filling: NodeJS.Immediate | undefined;

  constructor(private readonly turns: LineTurns, private readonly clock: RefillClock, private readonly host: IntakeHost, private readonly keep: (delivery: Delivery) => void) {}

  next(): Delivery | undefined {
    if (this.awaited !== undefined) return this.nextAwaited(this.awaited);
    const line = this.turns.next(canGiveOrFlows);
    if (line === undefined) return undefined;
    return line.waiting.shift() ?? this.await(line);
  }

  /** What came with it comes first: only then can be chosen. */
  arrived(line: Line, delivery: Delivery): void {
    if (line.wantedAt > 0) {
      this.clock.observe(clock.elapsed() - line.wantedAt);
      line.wantedAt = 0;
    }
    this.keep(delivery);
    this.filling ??= setImmediate(() => {
      this.filling = undefined;
      this.host.fill();
    });
  }

  stop(): void {
    clearImmediate(this.filling);
    this.filling = undefined;
    this.forget();
  }

  private await(line: Line): undefined {
    this.awaited = line;
    line.foundDry();
    line.wantedAt = clock.elapsed();
    this.timer = clock.setAnswerTimeout(() => {
      this.forget();
      this.host.fill();
    }, this.clock.patienceMs);
  }

  private nextAwaited(line: Line): Delivery | undefined {
    const delivery = line.waiting.shift();
    if (delivery !== undefined) this.forget();
    return delivery;
  }

  private forget(): void {
    clock.clear(this.timer);
    this.awaited = undefined;
  }
}

/** While tasks are held back: one of each line is here, and none is waited for. */
export class HeldSupply implements Supply {
  constructor(private readonly turns: LineTurns, private readonly keep: (delivery: Delivery) => void) {}

  next(): Delivery | undefined {
    return this.turns.next(canGive)?.waiting.shift();
  }

  arrived(_line: Line, delivery: Delivery): void {
    this.keep(delivery);
  }

  stop(): void {
    // It waits for nothing.
  }
}

const canGive = (line: Line): boolean => line.waiting.size > 0;
const canGiveOrBeAsked = (line: Line): boolean => line.waiting.size > 0 || !line.isEmpty;
const canGiveOrFlows = (line: Line): boolean => line.waiting.size > 0 || line.isFlowing;
