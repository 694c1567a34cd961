import { decodeUniqueClaim } from '../../../lib/task/unique-claim.js';
import type { Trace, TraceLine } from './follow.js';
import { LedgerView, type SeenRecord } from './ledger-view.js';
import type { Heard } from './settle-trace.js';

/** What befell the tasks of one key, in turn. */
class KeyTrace {
  readonly lines: TraceLine[] = [];
  private readonly names = new Map<string, string>();
  private readonly sent = new Map<string, string>();
  private readonly held = new Map<string, string>();
  private owner = '';

  record({ content }: SeenRecord): void {
    if (content.kind === 'deleted') return this.add('freed', this.owner);
    const claim = content.kind === 'value' ? decodeUniqueClaim(content.value) : undefined;
    if (claim === undefined) return;
    this.owner = claim.uuid;
    this.add(claim.state === 'publishing' ? 'claimed' : claim.state, claim.uuid);
  }

  published(uuid: string, publish: string): void {
    this.sent.set(publish, uuid);
    this.add('publish', uuid);
  }

  confirmed(publish: string): void {
    const uuid = this.sent.get(publish);
    if (uuid !== undefined) this.add('confirm', uuid);
  }

  delivered(uuid: string, delivery: string): void {
    this.held.set(delivery, uuid);
    this.add('deliver', uuid);
  }

  acknowledged(delivery: string): void {
    const uuid = this.held.get(delivery);
    this.held.delete(delivery);
    if (uuid !== undefined) this.add('ack', uuid);
  }

  /** Its process is dead: what it had goes back. */
  closed(channels: readonly string[]): void {
    for (const [delivery, uuid] of [...this.held]) {
      if (!channels.some((channel) => delivery.startsWith(channel))) continue;
      this.held.delete(delivery);
      this.add('died', uuid);
    }
  }

  private add(what: string, uuid: string): void {
    const by = this.names.get(uuid) ?? `t${this.names.size + 1}`;
    this.names.set(uuid, by);
    this.lines.push({ what, by });
  }
}

/**
 * The trace of each unique key.
 *
 * @param keyOf the key of a task, by its uuid
 */
export function uniqueTraces(heard: readonly Heard[], keyOf: (uuid: string) => string | undefined): Map<string, Trace> {
  const traces = new Map<string, KeyTrace>();
  const ledger = new LedgerView(heard);
  const of = (key: string): KeyTrace => {
    const known = traces.get(key) ?? new KeyTrace();
    traces.set(key, known);
    return known;
  };
  for (const event of heard) {
    if (!('process' in event)) continue;
    const record = ledger.newRecord(event);
    const [, recordKey] = /unique:.*:([^:]+)$/.exec(record?.content.key ?? '') ?? [];
    const uuid = 'properties' in event && event.properties.type === undefined ? String(event.properties.messageId) : '';
    const key = keyOf(uuid);
    if (record !== undefined && recordKey !== undefined) of(recordKey).record(record);
    else if (event.kind === 'publish' && key !== undefined) of(key).published(uuid, event.publish);
    else if (event.kind === 'deliver' && key !== undefined) of(key).delivered(uuid, event.delivery);
    else for (const trace of traces.values()) settle(trace, event);
  }
  return new Map([...traces].map(([key, { lines }]) => [key, lines]));
}

function settle(trace: KeyTrace, event: Heard): void {
  if (event.kind === 'confirm') trace.confirmed(event.publish);
  if (event.kind === 'ack') trace.acknowledged(event.delivery);
  if (event.kind === 'closed') trace.closed(event.channels);
}
