import { ConfigurationError, InvalidArgumentsError, TaskSuspendedError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { isA } from '../../task/error-text.js';
import { RetryLater, SucceedEarly } from '../../task/verdicts.js';
import { clock } from '../../time/clock.js';
import { GiveBack } from '../give-back.js';
import type { RunMiddleware } from '../middleware.js';
import type { TaskContext } from '../task-context.js';
import type { WorkerControls } from '../worker-controls.js';
import { controlsOf } from '../handler-context.js';
import { Circuit, type Admission, type CircuitRules, type CircuitState } from './circuit.js';

/** @publicApi */
export interface CircuitBreakerOptions {
  /**
   * `queue`: an open circuit stops its worker from consuming, whatever the task. For `middleware.run`.
   * `task`: tasks of this name are given back with a delay, uncharged, while others go on. Default: `queue`.
   */
  scope?: 'queue' | 'task';
  /** The share of failed attempts from which it opens, more than 0 and at most 1. Default: 0.5. */
  failureShare?: number;
  /** Below so many attempts within the window nothing is concluded. Default: 20. */
  minimumTasks?: number;
  /** How far back attempts count, in seconds. Default: 60. */
  windowSeconds?: number;
  /** How long it stays open before one task tries, in seconds; at most 900. Default: 60. */
  openSeconds?: number;
  /**
   * Which errors speak against what the tasks need. Timeouts always do; `RetryLater`, `SucceedEarly` and arguments that a pipe refuses never.
   * Default: every error.
   */
  isFailure?: (error: unknown) => boolean;
}

/** RabbitMQ closes the channel of a consumer that holds a delivery for half an hour. */
const LONGEST_OPEN_SECONDS = 900;

/**
 * Keeps tasks from failing one by one against a service that is down: once too many attempts have failed, no more are
 * made for a while; then one task tries, and if it succeeds all go on. Each call makes one with circuits of its own:
 * one for each worker (`queue`) or task name (`task`), in this process.
 *
 * @throws ConfigurationError for an option that cannot work
 * @publicApi
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): RunMiddleware {
  const rules = rulesFrom(options);
  const breaker = new CircuitBreaker(options.scope ?? 'queue', rules, options.isFailure ?? (() => true));
  return Object.defineProperty<RunMiddleware>((context, next) => breaker.run(context, next), 'name', { value: 'circuitBreaker' });
}

class CircuitBreaker {
  private readonly ofWorkers = new WeakMap<WorkerControls, Circuit>();
  private readonly ofTasks = new Map<string, Circuit>();

  constructor(private readonly scope: 'queue' | 'task', private readonly rules: CircuitRules, private readonly isFailure: (error: unknown) => boolean) {}

  async run(context: TaskContext, next: () => Promise<unknown>): Promise<unknown> {
    const controls = controlsOf(context);
    const circuit = this.circuitOf(context.name, controls);
    const before = circuit.state;
    const admission = circuit.admit(clock.elapsed());
    if (admission.kind === 'wait') {
      throw new GiveBack(this.spread(admission.milliseconds), `The circuit of ${this.scope} "${this.nameOf(context)}" is open.`);
    }
    if (circuit.state !== before) this.report(circuit, context, controls);
    return this.attempt(circuit, admission, context, controls, next);
  }

  private async attempt(
    circuit: Circuit, { period }: Extract<Admission, { kind: 'run' | 'probe' }>, context: TaskContext, controls: WorkerControls | undefined,
    next: () => Promise<unknown>,
  ): Promise<unknown> {
    let recorded = false;
    const record = (failed: boolean | undefined): void => {
      if (recorded) return;
      recorded = true;
      const before = circuit.state;
      if (circuit.record(period, failed, clock.elapsed()) !== before) this.report(circuit, context, controls);
    };
    // A handler that hangs on what is down ends with its timeout, and perhaps never by itself.
    const onAbort = (): void => record(hasTimedOut(context) ? true : undefined);
    context.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const result = await next();
      record(false);
      return result;
    } catch (error) {
      record(this.verdict(error));
      throw error;
    } finally {
      context.signal.removeEventListener('abort', onAbort);
    }
  }

  private verdict(error: unknown): boolean | undefined {
    if (isA(error, RetryLater) || isA(error, GiveBack) || isA(error, TaskSuspendedError) || isA(error, InvalidArgumentsError)) return undefined;
    if (isA(error, SucceedEarly)) return false;
    try {
      return this.isFailure(error) || undefined;
    } catch {
      // It could not say; without a word of it every error is a failure, and a circuit without an outcome would not open or close again.
      return true;
    }
  }

  private report(circuit: Circuit, context: TaskContext, controls: WorkerControls | undefined): void {
    const about = { scope: this.scope, name: this.nameOf(context), worker: context.worker };
    const { state, tasks, failures } = circuit;
    if (state === 'open') controls?.emit({ type: 'circuit.opened', ...about, tasks, failures, seconds: this.rules.openMs / 1000 });
    else controls?.emit({ type: state === 'closed' ? 'circuit.closed' : 'circuit.half-open', ...about });
    if (this.scope === 'queue') this.steer(state, controls);
  }

  private steer(state: CircuitState, controls: WorkerControls | undefined): void {
    // A little longer than the circuit itself, so that the one that tries does not come too early.
    if (state === 'open') controls?.hold(this.rules.openMs + 5);
    else if (state === 'closed') controls?.release();
  }

  private circuitOf(task: string, controls: WorkerControls | undefined): Circuit {
    const found = this.scope === 'queue' && controls !== undefined ? this.ofWorkers.get(controls) : this.ofTasks.get(task);
    if (found !== undefined) return found;
    const circuit = new Circuit(this.rules);
    if (this.scope === 'queue' && controls !== undefined) this.ofWorkers.set(controls, circuit);
    else this.ofTasks.set(task, circuit);
    return circuit;
  }

  private nameOf({ queue, name }: TaskContext): string {
    return this.scope === 'queue' ? queue : name;
  }

  /** What is given back together must not come back together. */
  private spread(milliseconds: number): number {
    return (milliseconds + clock.random() * Math.min(1_000 + milliseconds / 10, this.rules.openMs)) / 1000;
  }
}

function hasTimedOut({ signal }: TaskContext): boolean {
  return (signal.reason as { code?: unknown } | undefined)?.code === 'ERR_DISPATCHER_TASK_TIMEOUT';
}

function rulesFrom(options: CircuitBreakerOptions): CircuitRules {
  const { scope, failureShare = 0.5, minimumTasks = 20, windowSeconds = 60, openSeconds = 60, isFailure } = options;
  const refuse = (option: string, expected: string, found: unknown): never => {
    throw new ConfigurationError(`circuitBreaker: ${option} must be ${expected}; found ${display(found)}.`, { option });
  };
  if (scope !== undefined && scope !== 'queue' && scope !== 'task') refuse('scope', '"queue" or "task"', scope);
  if (!(failureShare > 0 && failureShare <= 1)) refuse('failureShare', 'more than 0 and at most 1', failureShare);
  if (!Number.isSafeInteger(minimumTasks) || minimumTasks < 1) refuse('minimumTasks', 'a whole number from 1', minimumTasks);
  if (!(windowSeconds > 0 && windowSeconds <= 86_400)) refuse('windowSeconds', 'more than 0 and at most 86400', windowSeconds);
  if (!(openSeconds > 0 && openSeconds <= LONGEST_OPEN_SECONDS)) refuse('openSeconds', `more than 0 and at most ${LONGEST_OPEN_SECONDS}`, openSeconds);
  if (isFailure !== undefined && typeof isFailure !== 'function') refuse('isFailure', 'a function of the error', isFailure);
  return { failureShare, minimumTasks, windowMs: windowSeconds * 1000, openMs: openSeconds * 1000 };
}
