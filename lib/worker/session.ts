import type { Consumption, Delivery, Topology } from '../brokers/broker.js';
import { ShutdownError } from '../errors.js';
import { TaskGates } from './gates/task-gates.js';
import { Hold } from './hold.js';
import { PrefetchPolicy } from './prefetch-policy.js';
import { ResultKeeper } from './result-keeper.js';
import { Settler } from './settler.js';
import { TaskEndings } from './task-endings.js';
import { TaskRunner } from './task-runner.js';
import { WaitingDeliveries } from './waiting-deliveries.js';
import type { WorkerConfig } from './worker-config.js';
import type { WorkerActivity, WorkerDependencies } from './worker.js';

/** What aborted handlers get, at the end of the time to close, to put things down. */
const AFTER_ABORT_MS = 1_000;
/** Deliveries that wait here while no task ends for so long are given back for other workers. */
const STALL_MS = 250;

/** One period of consuming, from start to close: the slots, the line before them, and the prefetch. */
export class Session {
  private readonly waiting = new WaitingDeliveries();
  private readonly stop = new AbortController();
  private readonly prefetch: PrefetchPolicy;
  private readonly runner: TaskRunner;
  private consumption: Consumption | undefined;
  private closing = false;
  private paused = false;
  private switching: Promise<void> = Promise.resolve();
  private readonly stopped: Consumption[] = [];
  /** Slots in use: running handlers, and deliveries that are being moved elsewhere. */
  private busy = 0;
  private ended = 0;
  private filling = false;
  private stallTimer: NodeJS.Timeout | undefined;
  private onIdle: (() => void) | undefined;
  private readonly hold = new Hold(() => this.fill());

  constructor(
    private readonly config: WorkerConfig,
    private limit: number,
    topology: Topology,
    private readonly dependencies: WorkerDependencies,
  ) {
    const { broker, emit, gates, results } = dependencies;
    const onProblem = (message: string, error: unknown): void => emit({ type: 'worker.problem', worker: config.name, message, error });
    const settler = new Settler(broker, topology, this.stop.signal, onProblem);
    const keeper = results && new ResultKeeper(results.recorder, results.of, this.stop.signal, onProblem);
    const endings = new TaskEndings(config, dependencies, settler, keeper, gates && gates.length > 0 ? new TaskGates(gates, this.stop.signal, onProblem) : undefined);
    this.prefetch = new PrefetchPolicy(limit);
    this.runner = new TaskRunner(config.name, dependencies, endings, (durationMs) => this.free(durationMs),
      { emit, hold: (ms) => this.holdBack(ms), release: () => this.goOn(), share: () => this.share() });
  }

  /** One switch at a time, the last one winning. The first call opens the session. */
  setPaused(paused: boolean): Promise<void> {
    this.paused = paused;
    if (!this.closing) this.runner.loopWatch.start();
    const switched = this.switching.then(() => this.switch());
    this.switching = switched.catch(() => undefined);
    return switched;
  }

  private async switch(): Promise<void> {
    if (this.closing) return;
    const { consumption } = this;
    if (this.paused && consumption !== undefined) {
      this.consumption = undefined;
      this.stopped.push(consumption);
      this.giveBackWaiting();
      await consumption.stop();
      if (this.busy === 0) this.closeStopped();
    }
    if (!this.paused && consumption === undefined) {
      const asked = this.wantedPrefetch;
      this.consumption = await this.dependencies.broker.consume(this.config.queue,
        { tag: this.config.name, prefetch: asked }, (delivery) => this.receive(delivery));
      // Tasks may have ended before the broker's answer was here, and have changed the prefetch already.
      if (this.wantedPrefetch !== asked) this.consumption.setPrefetch(this.wantedPrefetch);
      // It was closed while the broker was away.
      if (this.closing) await this.consumption.close();
    }
  }

  private get wantedPrefetch(): number {
    return this.hold.isOn ? 1 : this.prefetch.current;
  }

  /** It could not be opened, and is not closed: nothing may be left of it. */
  abandon(): void {
    this.closing = true;
    this.runner.loopWatch.stop();
  }

  /** Running tasks settle on the consumption that they came by: it is closed when none runs. */
  private closeStopped(): void {
    for (const consumption of this.stopped.splice(0)) void consumption.close();
  }

  get activity(): WorkerActivity {
    return { running: this.busy, waiting: this.waiting.size, ended: this.ended };
  }

  setLimit(limit: number): void {
    this.limit = limit;
    const prefetch = this.prefetch.setLimit(limit);
    if (this.closing) return;
    if (!this.hold.isOn) this.consumption?.setPrefetch(prefetch);
    if (!this.filling) this.fill();
  }

  async close(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    this.closing = true;
    this.hold.end();
    this.giveBackWaiting();
    await this.consumption?.stop();
    await this.idle(deadline - performance.now() - Math.min(AFTER_ABORT_MS, deadlineMs / 4));
    if (this.busy > 0) await this.abort(deadline - performance.now());
    clearTimeout(this.stallTimer);
    this.runner.loopWatch.stop();
    await Promise.all([this.consumption?.close(), ...this.stopped.map((consumption) => consumption.close())]);
  }

  private receive(delivery: Delivery): void {
    if (this.closing || this.paused) {
      delivery.requeue();
    } else if (this.busy < this.slots) {
      this.busy++;
      this.runner.take(delivery);
    } else {
      this.waiting.push(delivery);
      if (this.stallTimer === undefined && !this.hold.isOn) this.watchForStall();
    }
  }

  private free(durationMs: number | undefined): void {
    this.busy--;
    this.ended++;
    if (durationMs !== undefined) this.adapt(durationMs);
    // A handler that ends at once comes back here from within the loop below; the loop goes on by itself.
    if (!this.filling) this.fill();
    if (this.busy > 0) return;
    this.onIdle?.();
    if (this.stopped.length > 0 && !this.closing) this.closeStopped();
  }

  private fill(): void {
    this.filling = true;
    while (this.busy < this.slots && !this.closing) {
      const next = this.waiting.shift();
      if (next === undefined) break;
      this.busy++;
      this.runner.take(next);
    }
    this.filling = false;
  }

  private adapt(durationMs: number): void {
    const prefetch = this.prefetch.observe(durationMs);
    if (prefetch !== undefined && !this.closing && !this.hold.isOn) this.consumption?.setPrefetch(prefetch);
  }

  /** Tasks were short and are long now: what waits here goes to whoever has a slot free. */
  private watchForStall(): void {
    const endedBefore = this.ended;
    const due = performance.now() + STALL_MS;
    this.stallTimer = setTimeout(() => {
      this.stallTimer = undefined;
      if (this.waiting.size === 0 || this.closing || this.hold.isOn) return;
      // A timer that comes late says that this process was busy or starved, not that its tasks are long.
      const starved = performance.now() - due > STALL_MS / 4;
      if (this.ended !== endedBefore || starved) return this.watchForStall();
      this.consumption?.setPrefetch(this.prefetch.stalled());
      this.giveBackWaiting();
    }, STALL_MS);
  }

  private get slots(): number { return Math.min(this.limit, this.hold.slots); }

  /** One delivery stays here unsettled: with a prefetch of one the broker sends no other. The rest goes to whoever can run it. */
  private holdBack(milliseconds: number): void {
    if (this.closing) return;
    this.hold.start(milliseconds);
    this.consumption?.setPrefetch(1);
    this.giveBackWaiting();
  }

  private share(): void {
    const prefetch = this.prefetch.stalled();
    if (!this.closing && !this.hold.isOn) this.consumption?.setPrefetch(prefetch);
  }

  private goOn(): void {
    this.hold.end();
    if (this.closing) return;
    this.consumption?.setPrefetch(this.prefetch.current);
    if (!this.filling) this.fill();
  }

  private giveBackWaiting(): void {
    for (const delivery of this.waiting.takeAll()) delivery.requeue();
  }

  private async abort(graceMs: number): Promise<void> {
    const reason = new ShutdownError('The dispatcher is shutting down and its time is up (shutdownTimeoutSeconds). '
      + 'The task goes back to its queue; another worker runs it.');
    this.runner.abort(reason);
    this.stop.abort(reason);
    await this.idle(graceMs);
    this.runner.abandon();
  }

  /** Resolves when every slot is free, or when the time is up. */
  private idle(limitMs: number): Promise<void> {
    if (this.busy === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.onIdle = undefined;
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, limitMs));
      this.onIdle = done;
    });
  }
}
