import { decodeRecord, type RecordContent } from '../../../lib/state/amqp/ledger-record.js';
import type { Recorded } from '../wire/recorder.js';

/** What a keeper wrote: for whom, and what. */
export interface SeenRecord { readonly content: Exclude<RecordContent, { kind: 'checkpoint' }>; readonly asker: string }

interface Named { readonly type?: string; readonly correlationId?: string; readonly messageId?: string }

/** Who has asked the ledger under which names, and which of its records the server really had. */
export class LedgerView {
  private readonly askers = new Map<string, string>();
  private readonly arrived = new Set<string>();
  private readonly seen = new Set<string>();

  constructor(heard: readonly (Recorded | { readonly kind: 'accepted' })[]) {
    for (const event of heard) {
      const { type, correlationId, messageId } = 'properties' in event ? event.properties as Named : {};
      if (event.kind === 'publish' && (type === 'request' || type === 'requests') && correlationId !== undefined) this.askers.set(clientOf(correlationId), event.process);
      if (event.kind === 'deliver' && type === 'record' && messageId !== undefined) this.arrived.add(messageId);
    }
  }

  /** What this event writes, for the first time; every record that the server has comes back to a keeper. To be asked in order. */
  newRecord(event: Recorded): SeenRecord | undefined {
    if (event.kind !== 'publish' || event.properties.type !== 'record' || !this.arrived.has(event.properties.messageId as string)) return undefined;
    const { content } = decodeRecord(event.body);
    if (content.kind === 'checkpoint' || this.seen.has(content.operation)) return undefined;
    this.seen.add(content.operation);
    return { content, asker: this.askers.get(clientOf(content.operation)) ?? 'unknown' };
  }
}

/** A request is named by its client and a number. */
function clientOf(operation: string): string {
  return operation.slice(0, operation.lastIndexOf('.'));
}
