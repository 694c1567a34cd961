/** Whether something stands for a run beside its own delivery. */
export type LeasePhase =
  | 'none'
  /** A copy of it is being published. */
  | 'taking'
  /** That failed; a copy whose outcome is unknown may be there nevertheless. */
  | 'doubtful'
  /** A copy stands for it; its own delivery is acknowledged. */
  | 'taken';

export type LeaseStep = 'take' | 'copied' | 'fail';

const LEASES: Readonly<Record<LeasePhase, Readonly<Partial<Record<LeaseStep, LeasePhase>>>>> = {
  none: { take: 'taking' },
  taking: { copied: 'taken', fail: 'doubtful' },
  doubtful: { take: 'taking' },
  taken: {},
};

/** `undefined` where that cannot happen. Pure. */
export function leaseAfter(phase: LeasePhase, step: LeaseStep): LeasePhase | undefined {
  return LEASES[phase][step];
}
