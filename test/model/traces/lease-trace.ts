import { decodeClaim } from '../../../lib/worker/gates/once/once-claim.js';
import { Header } from '../../../lib/task/headers.js';
import { textHeader } from '../wire/headers.js';
import type { Recorded } from '../wire/recorder.js';
import type { Trace, TraceLine } from './follow.js';
import { LedgerView, type SeenRecord } from './ledger-view.js';

type Carried = Extract<Recorded, { kind: 'publish' | 'deliver' }>;

/** A delivery in the hands of a process: of the original (0), or of a copy that it looks at, has sent again, or runs. */
interface Held { readonly process: string; readonly copy: number; use: 'runs' | 'looks' | 'sent again' }

/** What befell one task that runs for long. */
class LeaseTrace {
  readonly lines: TraceLine[] = [];
  private readonly names = new Map<string, string>();
  private readonly held = new Map<string, Held>();
  private readonly copies: string[] = [];
  private readonly sent = new Map<string, number>();
  /** What each copy was last sent with: whoever only forwards it when it is due changes nothing. */
  private readonly met = new Map<number, string | undefined>();
  private owner = '';

  published(event: Carried, publish: string): void {
    const { process } = event;
    const name = textHeader(event, Header.copy) ?? '';
    const seen = textHeader(event, Header.claimSeen);
    if (!this.copies.includes(name)) {
      const copy = this.copies.push(name);
      this.sent.set(publish, copy);
      this.met.set(copy, seen);
      return this.add('copy', process);
    }
    const copy = this.copies.indexOf(name) + 1;
    if (this.met.get(copy) === seen) return;
    this.met.set(copy, seen);
    for (const held of this.held.values()) if (held.process === process && held.copy === copy) held.use = 'sent again';
    this.add('look', process, { copy, looks: Number(seen?.split(' ')[0]) });
  }

  delivered(event: Carried, delivery: string): void {
    const { process } = event;
    if (!hasLease(event)) {
      this.held.set(delivery, { process, copy: 0, use: 'runs' });
      return this.add('start', process);
    }
    this.held.set(delivery, { process, copy: this.copies.indexOf(textHeader(event, Header.copy) ?? '') + 1, use: 'looks' });
  }

  /** That it still runs is renewed again and again, and is a line only where more is said. */
  claimed({ content, asker }: SeenRecord): void {
    const claim = content.kind === 'value' ? decodeClaim(content.value) : undefined;
    if (claim === undefined) return;
    const isNew = claim.owner !== this.owner;
    this.owner = claim.owner;
    if (claim.state === 'done') this.add('done', asker);
    else if (claim.leased === true && (isNew || !this.lines.some(({ what, by }) => what === 'claimed' && by === this.names.get(asker)))) this.add('claimed', asker);
    else if (isNew) this.inherited(asker, this.copies.indexOf(claim.copy ?? '') + 1);
  }

  settle(event: Recorded): void {
    if (event.kind === 'confirm' && this.sent.has(event.publish)) this.lines.push({ what: 'copied', copy: this.sent.get(event.publish)! });
    if (event.kind === 'ack') this.acknowledged(event.delivery);
    if (event.kind === 'closed' && event.isWhole && event.channels.some((channel) => [...this.held.keys()].some((id) => id.startsWith(channel)))) this.died(event.process);
  }

  private inherited(process: string, copy: number): void {
    for (const held of this.held.values()) if (held.process === process && held.copy === copy) held.use = 'runs';
    this.add('inherit', process, { copy });
  }

  private acknowledged(delivery: string): void {
    const held = this.held.get(delivery);
    if (held?.use === 'runs') this.add('ack', held.process);
    if (held?.use === 'looks') this.lines.push({ what: 'drop', copy: held.copy });
    if (held !== undefined) held.use = 'sent again';
  }

  private died(process: string): void {
    for (const [id, held] of [...this.held]) if (held.process === process) this.held.delete(id);
    this.add('died', process);
  }

  private add(what: string, process: string, more: Readonly<Record<string, number>> = {}): void {
    const by = this.names.get(process) ?? `w${this.names.size + 1}`;
    this.names.set(process, by);
    this.lines.push({ what, by, ...more });
  }
}

/** The trace of each task of these, which all came by one queue. */
export function leaseTraces(heard: readonly Recorded[], queue: string, uuids: readonly string[]): Map<string, Trace> {
  const traces = new Map(uuids.map((uuid) => [uuid, new LeaseTrace()]));
  const leases = leasesOf(heard);
  const ledger = new LedgerView(heard);
  for (const event of heard) {
    const record = ledger.newRecord(event);
    if (record !== undefined) traces.get(leases.get(/once:(.+)$/.exec(record.content.key)?.[1] ?? '') ?? '')?.claimed(record);
    else if (event.kind === 'publish' && hasLease(event)) traces.get(String(event.properties.messageId))?.published(event, event.publish);
    else if (event.kind === 'deliver' && event.queue === queue) traces.get(String(event.properties.messageId))?.delivered(event, event.delivery);
    else for (const trace of traces.values()) trace.settle(event);
  }
  return new Map([...traces].map(([uuid, { lines }]) => [uuid, lines]));
}

function hasLease(event: Carried): boolean {
  return textHeader(event, Header.lease) !== undefined;
}

/** Of which task each claim is: its copies name both. */
function leasesOf(heard: readonly Recorded[]): Map<string, string> {
  const copies = heard.filter((event): event is Carried => event.kind === 'publish' && hasLease(event));
  return new Map(copies.map((event) => [textHeader(event, Header.lease) ?? '', String(event.properties.messageId)]));
}
