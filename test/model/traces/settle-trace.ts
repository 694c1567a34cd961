import { isDeepStrictEqual } from 'node:util';
import { decodeTaskResult } from '../../../lib/results/result-codec.js';
import { isFinal, type TaskResult } from '../../../lib/results/task-result.js';
import { attemptIn } from '../../../lib/task/headers.js';
import { isDeadLetterQueue } from '../../../lib/task/dead-letter-queue.js';
import { headersOf } from '../wire/headers.js';
import type { Recorded } from '../wire/recorder.js';
import type { Trace, TraceLine } from './follow.js';
import { LedgerView, type SeenRecord } from './ledger-view.js';

/** What a process said of a task, beside what passed on the wire. */
export interface Note { readonly kind: 'accepted'; readonly uuid: string }
export type Heard = Recorded | Note;

const PUBLISHER = 'publisher';

/** What of a task was seen so far. */
class TaskTrace {
  readonly lines: TraceLine[] = [];
  private readonly publishes: string[] = [];
  private readonly deliveries: string[] = [];
  private readonly names = new Map<string, string>([[PUBLISHER, PUBLISHER]]);
  private end: Pick<TaskResult, 'state' | 'outcome'> | undefined;

  /** Runs that differ only in who was who are the same. */
  private by(process: string): string {
    const name = this.names.get(process) ?? `w${this.names.size}`;
    this.names.set(process, name);
    return name;
  }

  take(event: Recorded): void {
    switch (event.kind) {
      case 'publish': return this.published(event);
      case 'confirm': return this.about('confirm', this.publishes.indexOf(event.publish));
      case 'deliver':
        this.deliveries.push(event.delivery);
        return this.add({ what: 'deliver', by: this.by(event.process), attempt: attemptIn(headersOf(event)) });
      case 'ack': return this.about('ack', this.deliveries.indexOf(event.delivery));
      case 'requeue': return this.about('back', this.deliveries.indexOf(event.delivery));
      case 'closed': return this.closed(event);
      case 'refuse': return this.about('refuse', this.publishes.indexOf(event.publish));
    }
  }

  /** Its publisher's word may come last, and be put in front of all that was told before: that leaves the end as it is. */
  kept(process: string, { state, outcome }: TaskResult): void {
    if (isDeepStrictEqual(this.end, { state, outcome })) return;
    this.end = { state, outcome };
    this.add({ what: 'kept', by: this.by(process), outcome: state === 'succeeded' ? 'succeeded' : 'failed' });
  }

  accepted(): void {
    this.add({ what: 'accepted' });
  }

  private published(event: Extract<Recorded, { kind: 'publish' }>): void {
    this.publishes.push(event.publish);
    this.add({ what: 'publish', by: this.by(event.process), kind: isDeadLetterQueue(event.routingKey) ? 'dead' : 'task', attempt: attemptIn(headersOf(event)) });
  }

  private closed({ channels, process }: Extract<Recorded, { kind: 'closed' }>): void {
    const concerns = (ids: readonly string[]): boolean => ids.some((id) => channels.some((channel) => id.startsWith(channel)));
    if (concerns(this.publishes)) this.add({ what: 'publishing-cut', by: this.by(process) });
    if (concerns(this.deliveries)) this.add({ what: 'consuming-cut', by: this.by(process) });
  }

  private about(what: string, index: number): void {
    if (index !== -1) this.add({ what, number: index + 1 });
  }

  private add(line: TraceLine): void {
    this.lines.push(line);
  }
}

/** The trace of each task: its own messages, what was kept of it, and what befell the lines that it went by. */
export function settleTraces(heard: readonly Heard[], uuids: readonly string[]): Map<string, Trace> {
  const traces = new Map(uuids.map((uuid) => [uuid, new TaskTrace()]));
  const owners = new Map<string, string>();
  const ledger = new LedgerView(heard);
  for (const event of heard) {
    if (!('process' in event)) traces.get(event.uuid)?.accepted();
    else if (event.kind === 'closed') for (const trace of traces.values()) trace.take(event);
    else takeOne(traces, owners, ledger, event);
  }
  return new Map([...traces].map(([uuid, { lines }]) => [uuid, withoutLastCuts(lines)]));
}

/** What befell the lines of processes when all was over is of no interest. */
function withoutLastCuts(lines: Trace): Trace {
  const last = lines.findLastIndex(({ what }) => !what.endsWith('-cut'));
  return lines.slice(0, last + 1);
}

function takeOne(traces: Map<string, TaskTrace>, owners: Map<string, string>, ledger: LedgerView, event: Exclude<Recorded, { kind: 'closed' }>): void {
  const record = ledger.newRecord(event);
  if (record !== undefined) return keep(traces, record);
  const id = 'publish' in event ? event.publish : event.delivery;
  if ('properties' in event && event.properties.type === undefined) owners.set(id, String(event.properties.messageId));
  traces.get(owners.get(id) ?? '')?.take(event);
}

function keep(traces: Map<string, TaskTrace>, { content, asker }: SeenRecord): void {
  const [, uuid = ''] = /task:(.+)$/.exec(content.key) ?? [];
  const trace = traces.get(uuid);
  if (trace === undefined || content.kind !== 'value') return;
  const result = decodeTaskResult(content.value);
  if (isFinal(result.state)) trace.kept(asker, result);
}
