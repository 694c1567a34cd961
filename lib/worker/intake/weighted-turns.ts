/**
 * Whose turn it is, by weight: among those that can, each gets the share `weight / sum of weights`, as evenly
 * spread as whole turns allow. Who cannot costs the others nothing and saves up nothing beyond one round.
 * (Smooth weighted round robin, as in nginx.)
 */
export class WeightedTurns {
  private readonly credits: number[];

  constructor(private readonly weights: readonly number[]) {
    this.credits = weights.map(() => 0);
  }

  /** The index of the next one, or -1 when none can. */
  next(can: (index: number) => boolean): number {
    const { credits, weights } = this;
    let [total, best] = [0, -1];
    for (let index = 0; index < weights.length; index++) {
      if (!can(index)) continue;
      const weight = weights[index];
      total += weight;
      credits[index] = (credits[index]) + weight;
      if (best < 0 || (credits[index]) > (credits[best])) best = index;
    }
    if (best >= 0) credits[best] = (credits[best]) - total;
    return best;
  }
}
