/** When whom is thought to be dead. In milliseconds. */
export interface OnceTimes {
  /** A claim that nobody has renewed for so long is that of a dead process. */
  readonly takeoverMs: number;
  /** How often a claim is renewed while its task runs. */
  readonly renewMs: number;
  /** How long a copy waits before it looks again whether the other has ended. */
  readonly lookMs: number;
  /** As `lookMs`, for a task that may run for hours. */
  readonly leasedLookMs: number;
}

const DEFAULT_TAKEOVER_MS = 30_000;

export function onceTimes(takeoverMs: number = DEFAULT_TAKEOVER_MS): OnceTimes {
  return { takeoverMs, renewMs: takeoverMs / 3, lookMs: takeoverMs / 6, leasedLookMs: takeoverMs * 4 };
}
