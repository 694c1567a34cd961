import { BrokerUnavailableError } from '../../errors.js';
import type { DispatcherEvent } from '../../events/dispatcher-event.js';
import { levelOf, lineOf } from '../../events/event-table.js';
import { isA } from '../../task/error-text.js';
import type { DispatcherLogger } from './dispatcher-logger.js';
import { eventFields } from './event-fields.js';

/** One line for each event, as the table of events says; the fine ones only with `debug`. */
export class EventLogger {
  /** Queues whose loss was worth a line: their return is too. */
  private readonly lost = new Set<string>();

  constructor(private readonly logger: DispatcherLogger, private readonly debug: boolean) {}

  log(event: DispatcherEvent): void {
    const level = this.isEcho(event) ? 'debug' : levelOf(event);
    if (level === 'debug' && !this.debug) return;
    const { text, stack } = lineOf(event);
    this.logger.write(level, text, level === 'debug' ? undefined : stack, () => eventFields(event, stack));
  }

  /** With its connection every consumer goes and comes back: the connection's own lines say it. */
  private isEcho(event: DispatcherEvent): boolean {
    if (event.type === 'broker.consumer-lost') {
      if (isA(event.error, BrokerUnavailableError)) return true;
      this.lost.add(event.queue);
    }
    return event.type === 'broker.consumer-restored' && !this.lost.delete(event.queue);
  }
}
