/** Where settlements go; one call is one frame. */
export interface AckSink {
  ack(tag: number, multiple: boolean): void;
  /** Gives back this one. */
  requeue(tag: number): void;
}

/** An injected timer: calls back once after about `ms`; 0 is the end of this turn of the event loop. Returns how to cancel it. */
export type Schedule = (callback: () => void, ms: number) => () => void;

/** How long a finished delivery may wait for company before it is acknowledged. */
const IDLE_FLUSH_MS = 5;
/** How long a finished delivery may be stuck behind an unfinished one: it takes room in the prefetch. */
const STUCK_FLUSH_MS = 50;
const MOST_PER_FLUSH = 50;
/**
 * To acknowledge one delivery, RabbitMQ walks through all that are outstanding before it on its channel: 0.1 ms where these are
 * 1,000. Where there are more, what stands further from the front waits until it is nearer, all before it has finished, or
 * it has been looked at so often.
 */
const MOST_WALKED = 1_000;
const MOST_LOOKS = 50;

/** Slots: below these a tag is outstanding. */
const OUTSTANDING = 0;
const FINISHED = 1;
/** The broker was told of this very tag: naming it again would close the channel. */
const TOLD = 2;

/**
 * Turns many single settlements of one channel into few frames: one `multiple` ack up to below
 * the lowest unfinished delivery. The tag that such an ack names must itself be outstanding at
 * the broker, so it names the highest finished one that was not told singly.
 */
export class AckCoalescer {
  private slots = new Uint8Array(256);
  /** The lowest tag that is outstanding; the first of a channel is 1. */
  private low = 1;
  /** The highest tag delivered. */
  private high = 0;
  /** The highest finished, untold tag below `low`; 0 when there is none. */
  private ready = 0;
  /** Finished since the last flush and below `low`. */
  private passed = 0;
  /** Finished, untold, and above an unfinished one. */
  private above = 0;
  private unsettled = 0;
  private looks = 0;
  private stuck: number[] = [];
  private stuckBefore: number[] = [];
  private cancelIdle: (() => void) | undefined;
  private cancelStuck: (() => void) | undefined;
  private cancelTurn: (() => void) | undefined;
  /** So many finished may be untold beyond a turn of the event loop. */
  private mayWait = 0;

  constructor(
    private readonly sink: AckSink,
    private readonly schedule: Schedule,
  ) {}

  /**
   * @param running of the prefetch so many are worked on at once; the rest waits here, so that there is more while the
   *   broker is told. Where nothing of it is left, whoever finished one waits for the next: then it is told at once
   */
  setPrefetch(prefetch: number, running = prefetch): void {
    this.mayWait = Math.floor(Math.max(0, prefetch - running) / 2);
  }

  /** How many deliveries the broker counts as unsettled, those included that have finished and of which it was not told. */
  get outstanding(): number {
    return this.unsettled;
  }

  delivered(tag: number): void {
    this.high = tag;
    this.unsettled++;
    if (tag - this.low >= this.slots.length) this.grow();
    this.slots[tag & (this.slots.length - 1)] = OUTSTANDING;
  }

  finish(tag: number): void {
    this.slots[tag & (this.slots.length - 1)] = FINISHED;
    this.above++;
    if (tag === this.low) {
      this.advance();
      if (this.passed >= MOST_PER_FLUSH) this.flush();
      else this.cancelIdle ??= this.schedule(this.onIdle, IDLE_FLUSH_MS);
    } else {
      this.stuck.push(tag);
      this.cancelStuck ??= this.schedule(this.onStuck, STUCK_FLUSH_MS);
    }
    if (this.cancelTurn === undefined && this.isDue) this.cancelTurn = this.schedule(this.onTurn, 0);
  }

  requeue(tag: number): void {
    this.flush();
    this.slots[tag & (this.slots.length - 1)] = TOLD;
    this.unsettled--;
    if (tag === this.low) this.advance();
    this.sink.requeue(tag);
    // What had finished behind this one is no longer stuck, and may be the last for a long time.
    if (this.ready !== 0) this.cancelIdle ??= this.schedule(this.onIdle, IDLE_FLUSH_MS);
  }

  /** Tells the broker of everything finished and stops the timers: the channel is about to close. */
  close(): void {
    this.flush();
    this.tellAllStuck(Infinity);
    this.drop();
  }

  /** The channel is gone, and every tag with it. */
  drop(): void {
    this.cancelIdle?.();
    this.cancelStuck?.();
    this.cancelTurn?.();
    this.cancelIdle = this.cancelStuck = this.cancelTurn = undefined;
    this.stuck = [];
    this.stuckBefore = [];
  }

  private readonly onIdle = (): void => {
    this.cancelIdle = undefined;
    this.flush();
  };

  /** Whatever was stuck at the last call and still is has waited long enough. */
  private readonly onStuck = (): void => {
    this.cancelStuck = undefined;
    this.looks = (this.looks + 1) % MOST_LOOKS;
    this.tellStuck(this.stuckBefore, this.looks === 0 ? Infinity : this.reach);
    for (const tag of this.stuck) this.stuckBefore.push(tag);
    this.stuck = [];
    if (this.stuckBefore.length > 0) this.cancelStuck = this.schedule(this.onStuck, STUCK_FLUSH_MS);
  };

  /** All that finished in a turn of the event loop is told together; not what was told in fifties meanwhile. */
  private readonly onTurn = (): void => {
    this.cancelTurn = undefined;
    if (!this.isDue) return;
    this.flush();
    this.tellAllStuck(this.reach);
  };

  /** How far from the front an acknowledgement by itself may be. */
  private get reach(): number {
    return this.unsettled > MOST_WALKED ? MOST_WALKED : Infinity;
  }

  private get isDue(): boolean {
    return this.passed + this.above > this.mayWait;
  }

  private flush(): void {
    this.unsettled -= this.passed;
    this.passed = 0;
    if (this.ready === 0) return;
    const tag = this.ready;
    this.ready = 0;
    this.sink.ack(tag, true);
  }

  private tellAllStuck(reach: number): void {
    this.tellStuck(this.stuckBefore, reach);
    this.tellStuck(this.stuck, reach);
  }

  private tellStuck(tags: number[], reach: number): void {
    const mask = this.slots.length - 1;
    let kept = 0;
    for (const tag of tags) {
      if (tag < this.low || this.slots[tag & mask] !== FINISHED) continue;
      if (tag - this.low > reach) {
        tags[kept++] = tag;
        continue;
      }
      this.slots[tag & mask] = TOLD;
      this.above--;
      this.unsettled--;
      this.sink.ack(tag, false);
    }
    tags.length = kept;
  }

  private advance(): void {
    const mask = this.slots.length - 1;
    while (this.low <= this.high) {
      const slot = this.slots[this.low & mask];
      if (slot === OUTSTANDING) return;
      if (slot === FINISHED) {
        this.ready = this.low;
        this.passed++;
        this.above--;
      }
      this.low++;
    }
  }

  private grow(): void {
    const wider = new Uint8Array(this.slots.length * 2);
    for (let tag = this.low; tag < this.high; tag++) wider[tag & (wider.length - 1)] = this.slots[tag & (this.slots.length - 1)]!;
    this.slots = wider;
  }
}
