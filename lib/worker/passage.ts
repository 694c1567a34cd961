import { DispatcherError } from '../errors.js';

/**
 * The way of one call through one middleware: `next` goes inward at most once, and what goes on inside is never
 * forgotten, whether or not the middleware waits for it.
 */
export class Passage<T> {
  /** Set where `next` was called more than once: the defect of a middleware. */
  defect: DispatcherError | undefined;
  private inner: Watched<T> | undefined;
  /** The middleware has ended: its task is done, and must not begin now. */
  private isOver = false;
  private outcome: PromiseSettledResult<T> | undefined;

  constructor(private readonly name: string, private readonly enter: () => T | PromiseLike<T>) {}

  readonly next = (): Promise<T> => {
    if (this.inner !== undefined || this.isOver) return this.refuse();
    this.inner = new Watched<T>((resolve) => { resolve(Passage.start(this.enter)); });
    this.inner.note((outcome) => { this.outcome = outcome; });
    return this.inner;
  };

  /** True where somebody has seen the outcome: what it was has been taken into account. */
  get isSeen(): boolean { return this.outcome !== undefined && this.inner?.observed === true; }

  /** How the inner side ended, awaited; `undefined` where it was never entered, which is then too late. */
  async settled(): Promise<PromiseSettledResult<T> | undefined> {
    this.isOver = true;
    if (this.outcome === undefined && this.inner !== undefined) await new Promise<void>((resolve) => { this.inner?.note(() => resolve()); });
    return this.outcome;
  }

  private static async start<T>(enter: () => T | PromiseLike<T>): Promise<T> {
    return enter();
  }

  private refuse(): Promise<T> {
    this.defect = new DispatcherError('ERR_DISPATCHER_NEXT_TWICE',
      `The middleware ${this.name} called next() more than once, or after its own end; only the first call counts, and before that end. To run a task again, throw and let its retry policy decide.`,
      { middleware: this.name });
    const refusal = Promise.reject<T>(this.defect);
    // It may be nobody's to catch; the defect is reported by other ways.
    refusal.catch(() => undefined);
    return refusal;
  }
}

/** A promise that knows whether somebody asked for its outcome; its rejection is never an unhandled one. */
class Watched<T> extends Promise<T> {
  static override get [Symbol.species](): PromiseConstructor { return Promise; }
  observed = false;

  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null, onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.observed = true;
    return super.then(onFulfilled, onRejected);
  }

  /** Looks without being seen. */
  note(callback: (outcome: PromiseSettledResult<T>) => void): void {
    super.then((value) => callback({ status: 'fulfilled', value }), (reason: unknown) => callback({ status: 'rejected', reason }));
  }
}
