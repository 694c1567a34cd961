import type { BrokerStatus } from '../brokers/broker.js';
import { clock } from '../time/clock.js';
import { AbsenceWatch } from './absence-watch.js';
import { EventLogger } from './events/event-logger.js';
import type { DispatcherParts } from './dispatcher-parts.js';
import { healthOf, type DispatcherHealth } from './health.js';
import { sharedQueueWarnings } from './placement/shared-queues.js';
import { startWarnings } from './placement/start-warnings.js';
import { messageOf } from '../task/error-text.js';
import { aborted } from '../time/pause-until.js';
import { makeStopper } from '../time/stopper.js';
import { heedingSecondSignal } from './second-signal.js';
import { waitText } from '../worker/steps/run-record.js';
import type { ManagedWorker } from './worker-registry.js';

/** Left for sending out what tasks have published, after the time for the tasks themselves. */
const CLOSING_SHARE = 0.2;
const MAX_CLOSING_MS = 5_000;
const MIN_CLOSING_MS = 250;
/** The same once somebody does not want to wait. */
const HURRIED_CLOSING_MS = 1_000;

/**
 * The life of one dispatcher: the order in which its parts start and end.
 * Starts: configured workers are made (mistakes show before anything is connected), then the connection,
 * the queues, the consumers. Ends: workers drain while the connection stays, then the connection goes.
 */
export class Dispatcher {
  private readonly lostConsumers = new Set<string>();
  /** Aborted when it begins to end. */
  readonly ending: AbortSignal;
  private readonly ender = makeStopper();
  private draining: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  /** By the clock that nobody sets, as `statusSince` and for the same reason. */
  private deadline: number | undefined;
  private endingSince = 0;
  private readonly hurried = makeStopper();
  private status: BrokerStatus | undefined;
  private statusSince = clock.elapsed();

  constructor(readonly parts: DispatcherParts) {
    this.ending = this.ender.signal;
    this.observe();
  }

  /**
   * Resolves when workers consume; with `startup: 'background'` as soon as it is known that the configuration holds.
   *
   * @throws ConfigurationError, or what keeps the broker from being used; everything is closed again then
   */
  async start(): Promise<void> {
    const { config, publishing, workers, logger } = this.parts;
    try {
      publishing.prepare();
      const { workers: configured, tasks } = this.parts.placeAnew();
      const added = workers.add(configured);
      if (config.role !== 'publisher') this.parts.warn([...sharedQueueWarnings(configured), ...startWarnings(workers.list(), tasks)]);
      this.parts.late.begin();
      const running = this.run(added);
      if (config.startup !== 'background') return await running;
      logger.log('The application starts without waiting for the broker (startup: "background").');
      // Told as an event, or caused by a close.
      running.catch(() => undefined);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  private async run(configured: readonly ManagedWorker[]): Promise<void> {
    const { config, gate, startup, control, scheduling, inspecting, logger } = this.parts;
    const consumes = config.role !== 'publisher';
    await gate.open();
    inspecting.start();
    await startup.persist(() => Promise.all(configured.map((worker) => worker.prepare())));
    if (consumes) await Promise.all([control.watch(), this.parts.revocations.watch()]);
    if (consumes) await startup.persist(() => Promise.all(configured.map((worker) => worker.start())));
    if (consumes && configured.length > 0 && this.draining === undefined) scheduling.start();
    logger.log(`Ready on exchange "${config.exchange}": ${this.describeWorkers()}.`);
  }

  health(): DispatcherHealth {
    const { broker, config, control, workers } = this.parts;
    return healthOf({
      state: broker.state,
      workers: workers.list().map(({ name, queue, consuming }) => ({ name, queue, consuming })),
      lostConsumers: [...this.lostConsumers],
      paused: control.pauses.known,
      publishTimeoutMs: config.publishTimeoutMs,
      sinceMs: clock.elapsed() - this.statusSince,
    });
  }

  /** No more tasks are taken; resolves when the running ones have ended or their time is up. They can still publish. */
  drain(): Promise<void> {
    return (this.draining ??= this.heedingSecondSignal(() => this.drainWorkers()));
  }

  /** Drains, sends out what was accepted, and lets go of the connection. Idempotent. */
  close(): Promise<void> {
    return (this.closing ??= this.drain().then(() => this.heedingSecondSignal(() => this.closeAll())));
  }

  private async drainWorkers(): Promise<void> {
    const { config: { shutdownTimeoutMs }, workers, scheduling, control, startup, late } = this.parts;
    this.ender.abort();
    this.deadline = clock.elapsed() + shutdownTimeoutMs;
    startup.stop();
    late.end();
    workers.refuse();
    const deadlineMs = shutdownTimeoutMs - this.closingMs();
    const stopped = scheduling.stop(deadlineMs);
    await this.unlessHurried(Promise.all([control.stop(), this.parts.revocations.stop()]).then(() => undefined));
    await Promise.all([this.unlessHurried(stopped), this.closeWorkers(this.hurried.signal.aborted ? HURRIED_CLOSING_MS : deadlineMs)]);
  }

  private async closeAll(): Promise<void> {
    const { application, results, workflows, inspecting, limits, steps, claimCheck, broker, backend, shared, foreign, ownEvents, taskFlow } = this.parts;
    await application.threads.close();
    results.close();
    workflows.close();
    const left = (this.deadline ?? 0) - clock.elapsed();
    const closingMs = this.hurried.signal.aborted ? HURRIED_CLOSING_MS : Math.max(left, this.closingMs(), MIN_CLOSING_MS);
    await Promise.all([limits.close(closingMs / 2), steps.close(closingMs / 2), inspecting.stop(), claimCheck.close(closingMs / 2)]);
    await Promise.all([broker.close(closingMs), backend?.close(closingMs), shared.close(closingMs), foreign.close(closingMs)]);
    ownEvents.complete();
    taskFlow.complete();
  }

  /** Ctrl-C twice: what runs is given back at once instead of being waited for. */
  private heedingSecondSignal(work: () => Promise<void>): Promise<void> {
    this.endingSince ||= clock.elapsed();
    return heedingSecondSignal(this.endingSince, (signal) => {
      this.hurried.abort();
      this.parts.workers.hurry(`${signal} came again`);
    }, work);
  }

  private async unlessHurried(stopped: Promise<void>): Promise<void> {
    stopped.catch(() => undefined);
    await Promise.race([stopped, aborted(this.hurried.signal)]);
  }

  private closingMs(): number {
    return Math.min(this.parts.config.shutdownTimeoutMs * CLOSING_SHARE, MAX_CLOSING_MS);
  }

  private async closeWorkers(deadlineMs: number): Promise<void> {
    await this.parts.workers.closeAll(deadlineMs).catch((error: unknown) => {
      this.parts.logger.error(`A worker could not be closed in order: ${messageOf(error)}. The broker gives its tasks to others.`);
    });
  }

  private observe(): void {
    const { broker, config, events, logger, emit } = this.parts;
    for (const warning of config.warnings) logger.warn(warning);
    const eventLogger = new EventLogger(logger, config.debugMode);
    events.all.subscribe((event) => {
      eventLogger.log(event);
      if (event.type === 'broker.consumer-lost') this.lostConsumers.add(event.queue);
      if (event.type === 'task.returned') this.parts.inspecting.putOff(event.task, event.pauseMs, event.reason);
      if (event.type === 'task.suspended') this.parts.inspecting.putOff(event.task, event.until - clock.now(), waitText(event));
      if (event.type === 'action.performed' || event.type === 'action.failed') this.parts.inspecting.performed(event);
      if (event.type === 'broker.consumer-restored') this.lostConsumers.delete(event.queue);
    });
    new AbsenceWatch({ broker, emit, startup: config.startup, startupTimeoutMs: config.startupTimeoutMs, now: clock.now });
    broker.states.subscribe(({ status }) => {
      if (status !== this.status) this.statusSince = clock.elapsed();
      this.status = status;
      // Nothing will bring the connection back: running tasks end in peace, and nobody waits for more.
      if (status === 'broken') void this.closeWorkers(config.shutdownTimeoutMs);
    });
  }

  private describeWorkers(): string {
    if (this.parts.config.role === 'publisher') return 'publishing only';
    const workers = this.parts.workers.list().map(({ name, queue, taskNames }) => `${name} (queue ${queue}, ${taskNames.length} tasks)`);
    return workers.length === 0 ? 'no workers' : `workers ${workers.join(', ')}`;
  }
}
