import { decodeUniqueClaim } from '../../../lib/task/unique-claim.js';
import { unpack } from '../../../lib/state/amqp/ledger-frame.js';
import { decodeRecord, type RecordContent } from '../../../lib/state/amqp/ledger-record.js';
import { laterId } from '../../../lib/state/amqp/ledger-request.js';
import type { Recorded } from '../wire/recorder.js';
import type { Trace, TraceLine } from './follow.js';

const NONE = 'none';

/** The records of one key, under whichever keeper, and what was told of them. */
class KeyTrace {
  readonly lines: TraceLine[] = [{ what: 'keeping', who: NONE }, { what: 'confirm', number: 1 }];
  private readonly names = new Map<string, string>();
  /** Of its records, and those that count as checkpoints here; the first is of the keeper that was there before it. */
  private readonly records: string[] = [''];
  private readonly values = new Set<string>();
  private readonly operations = new Map<string, number>();
  /** A value was let go: whichever record comes next can prove it. */
  private needsProof = false;

  written(messageId: string, content: RecordContent): void {
    const token = content.kind === 'value' ? decodeUniqueClaim(content.value)?.token : undefined;
    this.write(messageId, content.kind === 'deleted' ? 'freed' : 'taken', this.nameOf(token));
    if (content.kind === 'value') this.values.add(messageId);
    if ('operation' in content && !this.operations.has(content.operation)) this.operations.set(content.operation, this.records.length);
  }

  writtenOfAnother(messageId: string): void {
    if (this.needsProof) this.write(messageId, 'checkpoint', NONE);
  }

  /** @param token whose the key is by what this keeper has read */
  keeping(messageId: string, token: string | undefined): void {
    this.records.push(messageId);
    this.lines.push({ what: 'keeping', who: this.nameOf(token) });
  }

  about(what: 'confirm' | 'release', messageId: string): void {
    const index = this.records.indexOf(messageId);
    if (index === -1) return;
    this.lines.push({ what, number: index + 1 });
    if (what === 'release' && this.values.has(messageId)) this.needsProof = true;
  }

  told(operation: string): void {
    const number = this.operations.get(operation);
    if (number !== undefined) this.lines.push({ what: 'told', number });
  }

  gone(): void {
    this.lines.push({ what: 'gone' });
  }

  private write(messageId: string, says: string, who: string): void {
    this.records.push(messageId);
    this.needsProof = false;
    this.lines.push({ what: 'write', says, who });
  }

  private nameOf(token: string | undefined): string {
    if (token === undefined) return NONE;
    const name = this.names.get(token) ?? `o${this.names.size + 1}`;
    this.names.set(token, name);
    return name;
  }
}

/** Follows the keepers of one ledger, for the keys of unique tasks. */
class Keepers {
  readonly traces = new Map<string, KeyTrace>();
  private readonly published = new Map<string, string>();
  private readonly delivered = new Map<string, string>();
  /** What each process has read, by key. */
  private readonly read = new Map<string, Map<string, string | undefined>>();
  private keeper = '';

  take(event: Recorded): void {
    if (event.kind === 'publish' && event.properties.type === 'record') this.recordWritten(event);
    else if (event.kind === 'publish' && (event.properties.type === 'reply' || event.properties.type === 'replies')) this.replied(event);
    else if (event.kind === 'deliver' && event.properties.type === 'record') this.recordRead(event);
    else if (event.kind === 'confirm') this.each('confirm', this.published.get(event.publish));
    else if (event.kind === 'ack') this.each('release', this.delivered.get(event.delivery));
    else if (event.kind === 'closed' && event.process === this.keeper && event.channels.some((channel) => [...this.delivered.keys()].some((id) => id.startsWith(channel)))) this.gone();
  }

  private recordWritten({ publish, process, properties, body }: Extract<Recorded, { kind: 'publish' }>): void {
    const messageId = String(properties.messageId);
    const { content } = decodeRecord(body);
    this.published.set(publish, messageId);
    const isFirst = messageId.endsWith('.1');
    if (isFirst) this.keeper = process;
    if ('key' in content && isUnique(content.key)) this.of(content.key);
    for (const [key, trace] of this.traces) {
      if (isFirst) trace.keeping(messageId, this.read.get(process)?.get(key));
      else if ('key' in content && content.key === key) trace.written(messageId, content);
      else trace.writtenOfAnother(messageId);
    }
  }

  private recordRead({ delivery, process, properties, body }: Extract<Recorded, { kind: 'deliver' }>): void {
    this.delivered.set(delivery, String(properties.messageId));
    const { content } = decodeRecord(body);
    if (!('key' in content)) return;
    const read = this.read.get(process) ?? new Map<string, string | undefined>();
    this.read.set(process, read.set(content.key, content.kind === 'value' ? decodeUniqueClaim(content.value)?.token : undefined));
  }

  /** Several are named by the first of them. */
  private replied({ properties, body }: Extract<Recorded, { kind: 'publish' }>): void {
    const first = String(properties.correlationId);
    const count = properties.type === 'replies' ? unpack(body).allValues.length : 1;
    for (let by = 0; by < count; by++) for (const trace of this.traces.values()) trace.told(by === 0 ? first : laterId(first, by));
  }

  private each(what: 'confirm' | 'release', messageId: string | undefined): void {
    if (messageId !== undefined) for (const trace of this.traces.values()) trace.about(what, messageId);
  }

  private gone(): void {
    this.keeper = '';
    for (const trace of this.traces.values()) trace.gone();
  }

  private of(key: string): KeyTrace {
    const known = this.traces.get(key) ?? new KeyTrace();
    this.traces.set(key, known);
    return known;
  }
}

function isUnique(key: string): boolean {
  return key.includes('unique:');
}

/** The trace of each key of unique tasks, as the ledger keeps it. */
export function ledgerTraces(heard: readonly Recorded[]): Map<string, Trace> {
  const keepers = new Keepers();
  for (const event of heard) keepers.take(event);
  return new Map([...keepers.traces].map(([key, { lines }]) => [key, lines]));
}
