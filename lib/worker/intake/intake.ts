import type { Delivery } from '../../brokers/broker.js';

/** What an intake needs of its session. */
export interface IntakeHost {
  /** Runs it where a slot is free; otherwise {@link Intake.keep} gets it. */
  receive(delivery: Delivery): void;
  /** True for one that came back so often that it is published again instead: it is not to be run. */
  renews(delivery: Delivery): boolean;
  /** Something may be there for the free slots. */
  fill(): void;
  readonly freeSlots: number;
  /** False while it is paused or closing: what comes then is kept, and goes back once nothing comes any more. */
  readonly isTaking: boolean;
  /** What waits here is for others: no more is to be held for batches than is in them. */
  shareRoom(): void;
  /** How many tasks have ended since the start. */
  readonly ended: number;
  /** For how long each of the tasks runs that run now, in milliseconds. */
  runningMs(): Iterable<number>;
}

/** Where the deliveries of a session come from, and where they wait for a slot. */
export interface Intake {
  /** How many are here and have no slot. */
  readonly waiting: number;
  /** Begins to consume. @throws what the broker says to it */
  open(): Promise<void>;
  /**
   * For a pause: nothing comes any more, and what waits is given back; in this order, or it would come again at once.
   * What runs can still be settled.
   */
  halt(): Promise<void>;
  /** Nothing runs any more that came before a halt. */
  closeHalted(): void;
  /** As `halt`, for good, and within a limit. */
  stop(limitMs: number): Promise<void>;
  /** Settlements have reached the broker, what is unsettled goes back. */
  close(): Promise<void>;
  /** No slot was free for it, or nothing is taken now. */
  keep(delivery: Delivery): void;
  /** What a free slot should run now. */
  next(): Delivery | undefined;
  /** A handler took so long; `now` by `clock.elapsed()`. */
  observe(durationMs: number, now: number): void;
  setLimit(limit: number): void;
  /** Holds back what comes, one for each queue, so that the broker sends no more. */
  hold(): void;
  /** Ends the hold. */
  release(): void;
  /** So many deliveries may be held for batches, beside those that run or wait one by one. */
  setRoom(count: number): void;
  /** So many running tasks hold no delivery any more, and still their slots. */
  setTakenOver(count: number): void;
  /** To be called now and then: gives back what has waited here for so long, in milliseconds, before the broker takes it away. */
  refresh(maxAgeMs: number): void;
  /** Others want what would wait here. */
  share(): void;
}
