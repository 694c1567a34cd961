/**
 * What has become of a signal. `delivered`: the task waited for it, and goes on. `kept`: it has begun, and finds it when it
 * waits for it. `unseen`: nothing is known of the task yet; should it come, it finds it. `duplicate`: the first one of this
 * name counts. `late`: the task has waited for it, and waits no longer. `ended`: so has the task.
 *
 * @publicApi
 */
export type SignalOutcome = 'delivered' | 'kept' | 'unseen' | 'duplicate' | 'late' | 'ended';

/** For the person who has said it. */
export const SIGNAL_TEXTS: Readonly<Record<SignalOutcome, string>> = {
  delivered: 'delivered: the task goes on',
  kept: 'kept: the task has begun, and finds it when it waits for it',
  unseen: 'kept: nothing is known of a task of this uuid yet; should it come, it finds it',
  duplicate: 'There is a signal of this name for the task already, and the first one counts.',
  late: 'The task has waited for this signal, and waits no longer.',
  ended: 'The task has ended.',
};

/** Whether anything was recorded. */
export function isTaken(outcome: SignalOutcome): boolean {
  return outcome === 'delivered' || outcome === 'kept' || outcome === 'unseen';
}
