import type { Delivery } from '../brokers/broker.js';
import type { EventSink } from '../events/dispatcher-event.js';
import { clock } from '../time/clock.js';

/** What cannot be ended is given back no faster than this: it may come back at once, and fail in the same way. */
const GIVE_BACK_AFTER_MS = 1_000;

/** A defect in the recording of a delivery that has not run must cost neither its slot nor the process: it goes back to its queue. */
export function afterRecording(recording: Promise<void>, delivery: Delivery, worker: string, emit: EventSink, next: () => void): void {
  recording.then(next, (error: unknown) => {
    emit({ type: 'worker.problem', worker, message: 'The end of a task could not be recorded; it will be delivered again.', error });
    clock.setTimeout(() => {
      delivery.requeue();
      next();
    }, GIVE_BACK_AFTER_MS);
  });
}
