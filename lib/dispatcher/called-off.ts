import type { Cancellations } from '../control/cancellations.js';
import type { CancelReasonOf } from '../worker/gates/cancel-gate.js';
import { calledOffAs } from '../workflows/workflow-cancellation.js';

/** A task is called off by its own uuid, or with the workflow that it is a step of. */
export function calledOffBy(cancellations: Cancellations): CancelReasonOf {
  return ({ uuid, headers }) => {
    if (cancellations.isEmpty) return undefined;
    const reason = cancellations.reasonOf(uuid);
    if (reason !== undefined) return reason;
    const name = calledOffAs(headers);
    return name === undefined ? undefined : cancellations.reasonOf(name);
  };
}
