interface Weighted<T> {
  readonly item: T;
  readonly weight: number;
}

/**
 * Whose turn it is, by weight: among those that can, each gets the share `weight / sum of weights`, as evenly
 * spread as whole turns allow. Who cannot costs the others nothing and saves up nothing beyond one round.
 * (Smooth weighted round robin, as in nginx.)
 */
export class WeightedTurns<T> {
  private readonly all: readonly (Weighted<T> & { credit: number })[];

  constructor(all: readonly Weighted<T>[]) {
    this.all = all.map(({ item, weight }) => ({ item, weight, credit: 0 }));
  }

  /** The next one; `undefined` when none can. */
  next(can: (item: T) => boolean): T | undefined {
    let total = 0;
    let best: (typeof this.all)[number] | undefined;
    for (const one of this.all) {
      if (!can(one.item)) continue;
      total += one.weight;
      one.credit += one.weight;
      if (best === undefined || one.credit > best.credit) best = one;
    }
    if (best === undefined) return undefined;
    best.credit -= total;
    return best.item;
  }
}
