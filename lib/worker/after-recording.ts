import type { EventSink } from '../events/dispatcher-event.js';

/** A defect in the recording must cost neither the slot nor the process; the delivery stays with the broker. */
export function afterRecording(recording: Promise<void>, worker: string, emit: EventSink, next: () => void): void {
  recording.then(next, (error: unknown) => {
    emit({ type: 'worker.problem', worker, message: 'The end of a task could not be recorded; it will be delivered again.', error });
    next();
  });
}
