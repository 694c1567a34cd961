/** One consumer on a channel: a share of the prefetch, granted to the broker. */
export class Grant {
  /** Delivered through it and not settled. */
  outstanding = 0;
  /** False once cancelled; its deliveries can still be settled. */
  live = true;
  /** The broker cancelled it. What it settles after that may count, or not: the broker may have taken its deliveries away. */
  revoked = false;

  constructor(
    readonly queue: string,
    readonly tag: string,
    readonly quota: number,
  ) {}
}
