import { decodeClaim } from '../../../lib/worker/gates/once/once-claim.js';
import { Header } from '../../../lib/task/headers.js';
import { referenceOf, uuidOf } from '../../../lib/workflows/workflow-header.js';
import { headersOf, textHeader } from '../wire/headers.js';
import type { Recorded } from '../wire/recorder.js';
import type { Trace, TraceLine } from './follow.js';
import { LedgerView, type SeenRecord } from './ledger-view.js';

/** Of a chord that is the whole workflow. */
const CALLBACK = '0.1';
const GROUP = '0.0';

interface Held { readonly slot: string; readonly process: string; readonly member: string }

/** What befell one chord. Each delivery of a member is a slot of its own: what the specification has processes for. */
class ChordTrace {
  readonly lines: TraceLine[] = [];
  private slots = 0;
  private readonly held = new Map<string, Held>();
  /** The copies of the callback, and the publishes that brought them. */
  private readonly copies: string[] = [];
  private readonly calls = new Map<string, number>();
  private running = 0;

  delivered(process: string, delivery: string, member: string): void {
    const slot = `s${++this.slots}`;
    this.held.set(delivery, { slot, process, member });
    this.lines.push({ what: 'begin', by: slot, member });
  }

  /** By the latest of those that this process has of it; of one that was cut off, nobody waits for it. */
  added(process: string, member: string): void {
    const slot = [...this.held.values()].findLast((held) => held.process === process && held.member === member)?.slot;
    if (slot !== undefined) this.lines.push({ what: 'added', by: slot });
  }

  called(publish: string, copy: string): void {
    this.calls.set(publish, this.copies.push(copy));
    this.lines.push({ what: 'call' });
  }

  /** The claim of the callback. */
  claimed({ content }: SeenRecord): void {
    const claim = content.kind === 'value' ? decodeClaim(content.value) : undefined;
    if (claim?.state === 'running') {
      this.running = this.copies.indexOf(claim.copy ?? '') + 1;
      this.lines.push({ what: 'run', copy: this.running });
    } else if (claim?.state === 'done') this.lines.push({ what: 'done', copy: this.running });
  }

  settle(event: Recorded): void {
    if (event.kind === 'confirm' && this.calls.has(event.publish)) this.lines.push({ what: 'confirm', copy: this.calls.get(event.publish)! });
    if (event.kind === 'ack') this.end('ack', (delivery) => delivery === event.delivery);
    if (event.kind === 'closed') this.end('died', (delivery) => event.channels.some((channel) => delivery.startsWith(channel)));
  }

  private end(what: string, concerns: (delivery: string) => boolean): void {
    for (const [delivery, { slot }] of [...this.held].filter(([one]) => concerns(one))) {
      this.held.delete(delivery);
      this.lines.push({ what, by: slot });
    }
  }
}

/** The trace of each chord, by the uuid of its workflow. */
export function chordTraces(heard: readonly Recorded[]): Map<string, Trace> {
  const traces = new Map<string, ChordTrace>();
  const callbacks = new Map<string, string>();
  const ledger = new LedgerView(heard);
  const of = (workflow: string): ChordTrace => {
    const known = traces.get(workflow) ?? new ChordTrace();
    traces.set(workflow, known);
    callbacks.set(uuidOf({ workflow, path: CALLBACK }), workflow);
    return known;
  };
  for (const event of heard) {
    const record = ledger.newRecord(event);
    if (record !== undefined) recorded(record, of, callbacks);
    else if (event.kind === 'publish' || event.kind === 'deliver') carried(event, of);
    else for (const trace of traces.values()) trace.settle(event);
  }
  return new Map([...traces].map(([workflow, { lines }]) => [workflow, lines]));
}

type TraceOf = (workflow: string) => ChordTrace;

function recorded(record: SeenRecord, of: TraceOf, callbacks: ReadonlyMap<string, string>): void {
  const { content, asker } = record;
  const [, workflow] = new RegExp(`workflow:([^:]+):group:${GROUP}$`).exec(content.key) ?? [];
  const callback = callbacks.get(/once:(.+)$/.exec(content.key)?.[1] ?? '');
  if (workflow !== undefined && content.kind === 'member') of(workflow).added(asker, content.member);
  else if (callback !== undefined) of(callback).claimed(record);
}

/** A copy that waits for another is sent again under its own name: it is the same copy. */
function carried(event: Extract<Recorded, { kind: 'publish' | 'deliver' }>, of: TraceOf): void {
  const step = referenceOf(headersOf(event));
  if (step === undefined || event.properties.type !== undefined) return;
  const trace = of(step.workflow);
  if (step.path === CALLBACK && event.kind === 'publish') trace.called(event.publish, textHeader(event, Header.copy) ?? '');
  if (step.path.startsWith(`${GROUP}.`) && event.kind === 'deliver') trace.delivered(event.process, event.delivery, step.path.slice(GROUP.length + 1));
}
