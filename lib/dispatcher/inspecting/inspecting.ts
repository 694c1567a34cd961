import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Broker, QueueDeclaration } from '../../brokers/broker.js';
import type { TaskContract } from '../../contract/model.js';
import type { DeadLetters } from '../../dead-letters/dead-letters.js';
import type { ActionEvent } from '../../events/action-event.js';
import type { EventSink, TaskIdentity } from '../../events/dispatcher-event.js';
import type { EventStamp } from '../../events/event-stamp.js';
import { Asker } from '../../inspection/asking/asker.js';
import { encodeHandover, MOST_HANDED_OVER, QUESTIONS } from '../../inspection/asking/messages.js';
import { Responder } from '../../inspection/asking/responder.js';
import { ActionBook } from '../../inspection/book/action-book.js';
import { RunBook } from '../../inspection/book/run-book.js';
import { EventSource } from '../../inspection/following/event-source.js';
import { Followers } from '../../inspection/following/followers.js';
import { Following } from '../../inspection/following/following.js';
import type { ActionInfo } from '../../inspection/model.js';
import { Inspection, type InspectionDependencies } from '../../inspection/inspection.js';
import { LastingSource } from '../../inspection/lasting-source.js';
import type { ClaimOf } from '../../inspection/locks-report.js';
import { FactsOfProcess } from '../../inspection/process-facts.js';
import type { QueueSource } from '../../inspection/queues-report.js';
import { Redaction } from '../../inspection/redaction.js';
import { Teller, type ToldWorker } from '../../inspection/teller.js';
import type { TaskResult } from '../../results/task-result.js';
import type { ScheduleInfo } from '../../schedules/schedule.js';
import { deadLetterQueueOf } from '../../task/dead-letter-queue.js';
import { messageOf } from '../../task/error-text.js';
import { undeliveredQueueOf } from '../../task/undelivered.js';
import { clock } from '../../time/clock.js';
import { within } from '../../time/within.js';
import type { StateBackend } from '../../state/state-backend.js';
import { HistoryReader } from './history/history-reader.js';
import { HistoryWriter } from './history/history-writer.js';
import type { WorkflowFilter, WorkflowPage } from '../../workflows/workflow-info.js';
import type { RunObserver } from '../../worker/run-observer.js';
import type { ResolvedConfig } from '../config/resolve-config.js';
import type { ControlNotes } from '../control-notes.js';
import type { DispatcherEvents } from '../events/dispatcher-events.js';
import type { Operations } from '../operations.js';
import type { ManagedWorker } from '../worker-registry.js';
import { ownVersion } from './own-version.js';
import type { TaskFormats } from '../task-formats.js';
import { TaskSearch } from './task-search.js';

const HANDOVER_LIMIT_MS = 500;

export interface InspectingDependencies {
  readonly config: Pick<ResolvedConfig, 'exchange' | 'role' | 'inspection'>;
  readonly broker: Broker;
  readonly formats: Pick<TaskFormats, 'readingOf'>;
  readonly nestVersion: string | undefined;
  readonly workers: () => readonly ManagedWorker[];
  readonly control: Pick<ControlNotes, 'pauses' | 'failureNotes'>;
  readonly operations: Pick<Operations, 'depth' | 'oldestSince' | 'paused' | 'queuesOf'>;
  readonly queues: () => readonly QueueDeclaration[];
  readonly deadLetters: DeadLetters;
  readonly record: (uuid: string) => Promise<TaskResult | undefined>;
  readonly suspended: InspectionDependencies['suspended'];
  readonly schedules: () => Promise<ScheduleInfo[]>;
  readonly backend: () => Promise<StateBackend>;
  readonly claim: ClaimOf;
  readonly contract: () => readonly TaskContract[];
  readonly workflows: (list?: WorkflowFilter) => Promise<WorkflowPage>;
  readonly ready: () => Promise<void>;
  readonly emit: EventSink;
  readonly events: Pick<DispatcherEvents, 'matching' | 'guarded'>;
}

/** This process among those that are asked, and those that ask. */
export class Inspecting {
  readonly inspection: Inspection;
  /** What people see of arguments. */
  readonly redaction: Redaction;
  private readonly book: RunBook;
  private readonly history: HistoryWriter | undefined;
  private readonly facts = new FactsOfProcess();
  private readonly actions: ActionBook;
  private readonly asker: Asker;
  private readonly responder: Responder;
  private readonly followers: Followers;
  private readonly following: Following;
  private readonly lastingQueues: LastingSource;
  private readonly isEnabled: boolean;
  private readonly handingOver = new Set<Promise<void>>();

  constructor(private readonly dependencies: InspectingDependencies) {
    const { broker, config, formats, deadLetters, emit, events, record, suspended, schedules, claim, workflows, ready } = dependencies;
    const { enabled, redact } = config.inspection;
    this.isEnabled = enabled;
    const redaction = this.redaction = new Redaction(redact);
    const id = randomUUID();
    this.actions = new ActionBook({ host: hostname(), pid: process.pid });
    this.book = new RunBook(clock.now, config.inspection.history === undefined ? undefined : (entry) => this.history?.add(entry));
    const teller = this.teller(id, redaction);
    this.history = this.historyOf(id, teller);
    this.asker = new Asker({ broker, id, own: (question) => (enabled ? teller.answer(question) : undefined), now: clock.now });
    const source = new EventSource({ id, host: hostname(), pid: process.pid }, (filter) => events.matching(filter), redaction);
    this.followers = new Followers({ broker, source, now: clock.now });
    this.following = new Following({ broker, own: enabled ? source : undefined, ready, now: clock.now });
    this.responder = new Responder({
      broker, id, answer: (question) => teller.answer(question), handedOver: (action) => this.actions.addForeign(action), other: (message) => this.followers.heard(message),
      problem: (message, error) => emit({ type: 'broker.warning', message: `${message} ${messageOf(error)}` }),
    });
    const queues = this.queueSource();
    this.lastingQueues = new LastingSource(queues);
    const search = new TaskSearch({ broker, deadLetters, formatOf: (queue) => formats.readingOf(queue), redaction });
    this.inspection = new Inspection({
      asker: this.asker, exchange: config.exchange, queues, lastingQueues: this.lastingQueues, ready, record, suspended, schedules, claim, workflows, history: this.historyReader(), now: clock.now, failureNotes: () => dependencies.control.failureNotes.known(),
      events: (filter) => events.guarded(this.following.events(filter)),
      dead: (queue, uuid) => search.dead(queue, uuid), waiting: (queue, uuid, most) => search.waiting(queue, uuid, most),
      firstOf: async (queue, most) => search.firstOf(await this.dependencies.operations.queuesOf(queue), most), delayedWithin: (boundsMs) => broker.delayedWithin(boundsMs),
    });
  }

  /** `undefined`: nothing is kept of what runs here. */
  observer(worker: string, queue: string): RunObserver | undefined {
    return this.isEnabled ? this.book.of(worker, queue) : undefined;
  }

  /** Something was done here. Who tells nothing of itself tells that at once, since nobody will ask it. */
  performed(event: ActionEvent & EventStamp): void {
    const action = this.actions.add(event);
    this.lastingQueues.forget();
    if (!this.isEnabled) this.handOver([action]);
  }

  /** A unique key was taken by publishing here. */
  claimed(key: string, name: string, uuid: string): void {
    if (this.isEnabled) this.book.claims.add(key, name, uuid, clock.now());
  }

  /** A task was sent to its queue again with a delay, without having been run. */
  putOff(task: TaskIdentity, pauseMs: number, reason: string | undefined): void {
    if (this.isEnabled) this.book.putOffs.add(task, pauseMs, reason, clock.now());
  }

  /** A task was published here for later. */
  delayed({ uuid, name, routingKey }: { readonly uuid: string; readonly name: string; readonly routingKey: string }, dueAt: number): void {
    const now = clock.now();
    const reason = `it was published for later, with the routing key "${routingKey}".`;
    if (this.isEnabled && dueAt > now) this.book.delays.add({ uuid, name, queue: routingKey }, dueAt - now, reason, now);
  }

  /** In the background: a process that nobody can ask works as any other. */
  start(): void {
    if (this.isEnabled) void this.responder.start();
  }

  async stop(): Promise<void> {
    this.facts.stop();
    const own = this.isEnabled ? this.actions.lastOwn(MOST_HANDED_OVER) : [];
    if (own.length > 0) this.handOver(own);
    await within(HANDOVER_LIMIT_MS, Promise.all(this.handingOver));
    await Promise.all([this.history?.stop(), this.followers.stop(), this.responder.stop(), this.asker.close(), this.following.close()]);
  }

  private historyOf(process: string, teller: Teller): HistoryWriter | undefined {
    const { config: { exchange, inspection: { history } }, backend, emit } = this.dependencies;
    return history && new HistoryWriter({
      ...history, backend, exchange, process, told: (entry) => teller.end(entry),
      problem: (message, error) => emit({ type: 'worker.warning', message: error === undefined ? message : `${message} ${messageOf(error)}` }),
    });
  }

  private historyReader(): InspectionDependencies['history'] {
    const { config: { exchange, inspection: { history } }, backend } = this.dependencies;
    if (history === undefined) return undefined;
    const reader = new HistoryReader(backend, exchange, history.keepMs, clock.now);
    return (filter, limit) => reader.read(filter, limit);
  }

  /** To whoever hears it now: what was done outlives the process that did it, for as long as others live. */
  private handOver(actions: readonly ActionInfo[]): void {
    const handing = this.dependencies.broker.broadcast(QUESTIONS, encodeHandover(actions)).catch(() => undefined);
    this.handingOver.add(handing);
    void handing.then(() => this.handingOver.delete(handing));
  }

  private teller(id: string, redaction: Redaction): Teller {
    const { broker, config: { role }, nestVersion } = this.dependencies;
    return new Teller({
      process: {
        id, host: hostname(), pid: process.pid, role, startedAt: Math.round(performance.timeOrigin),
        versions: { dispatcher: ownVersion(), node: process.versions.node, ...(nestVersion === undefined ? {} : { nest: nestVersion }) },
      },
      workers: () => this.toldWorkers(), book: this.book, actions: this.actions, contract: this.dependencies.contract, facts: this.facts, redaction, connection: () => broker.state.status, folder: process.cwd(), now: clock.now,
    });
  }

  private toldWorkers(): ToldWorker[] {
    const { workers, control: { pauses } } = this.dependencies;
    return workers().map(({ name, queue, config: { type }, limit, activity, consuming, taskNames, runs }) => ({
      name, queue, type: type === 'server-default' ? undefined : type, limit, activity, consuming, taskNames, runs, isPaused: pauses.isPaused('queue', queue) || pauses.isPaused('worker', name),
    }));
  }

  private queueSource(): QueueSource {
    const { broker, config: { exchange }, operations, queues } = this.dependencies;
    return {
      known: () => queues().map(({ name, type }) => ({ name, type: type === 'server-default' ? undefined : type })),
      depth: (queue) => operations.depth(queue), oldestSince: (queue) => operations.oldestSince(queue), dead: (queue) => broker.depth(deadLetterQueueOf(queue)), delayed: () => broker.delayedCount(),
      undelivered: () => broker.depth(undeliveredQueueOf(exchange)), pauses: () => operations.paused(), now: clock.now,
    };
  }
}
