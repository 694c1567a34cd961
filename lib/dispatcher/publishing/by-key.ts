/** One that waits to be told. */
export interface WaitingItem<Item, Outcome> {
  readonly item: Item;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Serves what comes under one key one after the other; those that come meanwhile are served together, in their order. */
export class ByKey<Item, Outcome> {
  private readonly queued = new Map<string, WaitingItem<Item, Outcome>[]>();

  /** @param serve never rejects, and tells each */
  constructor(private readonly serve: (key: string, together: readonly WaitingItem<Item, Outcome>[]) => Promise<void>) {}

  add(key: string, item: Item): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const queued = this.queued.get(key);
      if (queued !== undefined) return void queued.push({ item, resolve, reject });
      const begun = [{ item, resolve, reject }];
      this.queued.set(key, begun);
      void this.work(key, begun);
    });
  }

  private async work(key: string, queued: WaitingItem<Item, Outcome>[]): Promise<void> {
    while (queued.length > 0) await this.serve(key, queued.splice(0));
    this.queued.delete(key);
  }
}
