import { countHeader, Header } from '../../../task/headers.js';
import { decodeOrderMark, type OrderMark } from '../../../task/order-options.js';
import { clock } from '../../../time/clock.js';
import { isEnd, type Entrance, type TaskEnd, type TaskGate, type TaskVisit } from '../task-gate.js';
import type { OrderLines } from './order-lines.js';
import type { OrderedSender } from './ordered-task.js';

const RUN: Entrance = { kind: 'run' };
const PASSED: Entrance = { kind: 'drop', reason: 'Its place in the line of its key has been passed: it has ended, and another copy of it came late.' };

/**
 * Lets run whose turn it is among the tasks of its key, and has the next come before the broker is told that it has ended.
 * Only the head of a line is ever with the broker: what comes and is not the head any more has ended, or was called off.
 */
export class OrderGate implements TaskGate {
  readonly name = 'order';

  /** @param senderOf how the next is sent from where this visit is */
  constructor(private readonly lines: OrderLines, private readonly senderOf: (visit: TaskVisit) => OrderedSender = ({ queue }) => ({ queue }), private readonly now: () => number = clock.now) {}

  concerns({ headers }: TaskVisit): boolean {
    return decodeOrderMark(headers[Header.order]) !== undefined;
  }

  async enter(visit: TaskVisit): Promise<Entrance> {
    const { key, token } = markOf(visit);
    const found = await this.lines.find(key);
    if (found?.line.head === token) return RUN;
    // Whoever has passed this one may have died before it had sent the next.
    if (found !== undefined) await this.lines.send(key, found, this.senderOf(visit));
    // What was skipped, and is replayed from the dead letters, is out of line.
    if (countHeader(visit.headers, Header.replays, 0) > 0) return RUN;
    // Where the line was lost, nobody is passed.
    return found === undefined && !await this.lines.isEmptied(key) ? RUN : PASSED;
  }

  async leave(visit: TaskVisit, end: TaskEnd): Promise<void> {
    if (!isEnd(end)) return;
    const { key, token, onFailure } = markOf(visit);
    if (end.kind === 'failed' && onFailure === 'halt') return this.lines.halt(key, token, this.now());
    await this.lines.leave(key, token, this.senderOf(visit));
  }
}

/** Only asked where `concerns` has said so. */
function markOf({ headers }: TaskVisit): OrderMark {
  return decodeOrderMark(headers[Header.order]) as OrderMark;
}
