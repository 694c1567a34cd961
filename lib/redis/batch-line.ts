/** What a line sends, and how much of it at once. */
export interface BatchLineHost<T> {
  /** One batch. It rejects where it is to be sent again, later and in its order. */
  send(batch: readonly T[]): Promise<void>;
  /** There is somebody to send to. */
  canSend(): boolean;
  bytesOf(item: T): number;
}

export interface BatchLimits {
  readonly most: number;
  readonly mostBytes: number;
  /** How many batches may be unanswered at a time. */
  readonly mostUnderWay: number;
}

/**
 * Gathers what is to be sent in one turn of the event loop into few calls, in order. While as many are under way as may be,
 * what comes meanwhile makes the next ones larger: so it is quick while there is little, and cheap while there is much.
 */
export class BatchLine<T> {
  private items: T[] = [];
  private failed: { readonly number: number; readonly batch: readonly T[] }[] = [];
  private sent = 0;
  private underWay = 0;
  private scheduled = false;
  private readonly idleWaiters: (() => void)[] = [];

  constructor(private readonly limits: BatchLimits, private readonly host: BatchLineHost<T>) {}

  get isIdle(): boolean {
    return this.items.length === 0 && this.failed.length === 0 && this.underWay === 0;
  }

  /** Those that nobody has answered; of those under way, none. */
  get waiting(): readonly T[] {
    return [...this.inOrder(), ...this.items];
  }

  add(item: T): void {
    this.items.push(item);
    this.schedule();
  }

  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void> {
    return this.isIdle ? Promise.resolve() : new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  /** Takes all out that waits: nothing of it is sent. What is under way stays so. */
  takeWaiting(fits: (item: T) => boolean = () => true): T[] {
    const taken = this.items.filter(fits);
    if (taken.length > 0) this.items = taken.length === this.items.length ? [] : this.items.filter((item) => !fits(item));
    this.tellIdle();
    return taken;
  }

  /** There may be somebody to send to again. */
  readonly schedule = (): void => {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.flush);
  };

  private readonly flush = (): void => {
    this.scheduled = false;
    while (this.items.length > 0 && this.failed.length === 0 && this.underWay < this.limits.mostUnderWay && this.host.canSend()) this.sendOne();
    this.tellIdle();
  };

  private sendOne(): void {
    const { items, limits } = this;
    let count = 0;
    for (let bytes = 0; count < items.length && count < limits.most && (count === 0 || bytes < limits.mostBytes); count++) bytes += this.host.bytesOf(items[count] as T);
    const [batch, number] = [items.splice(0, count), this.sent++];
    this.underWay++;
    this.host.send(batch).catch(() => { this.failed.push({ number, batch }); }).finally(() => {
      this.underWay--;
      // Only when all have come back is their order known.
      if (this.underWay === 0) this.putBack();
      this.flush();
    });
  }

  private putBack(): void {
    if (this.failed.length === 0) return;
    this.items = [...this.inOrder(), ...this.items];
    this.failed = [];
  }

  private inOrder(): T[] {
    return this.failed.sort((a, b) => a.number - b.number).flatMap(({ batch }) => batch);
  }

  private tellIdle(): void {
    if (!this.isIdle) return;
    for (const tell of this.idleWaiters.splice(0)) tell();
  }
}
