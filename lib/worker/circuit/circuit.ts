/** When a circuit opens, and for how long. */
export interface CircuitRules {
  readonly failureShare: number;
  readonly minimumTasks: number;
  readonly windowMs: number;
  readonly openMs: number;
}

export type CircuitState = 'closed' | 'open' | 'half-open';

/** What a task may do: run, run as the one that tries, or come back later. */
export type Admission = { readonly kind: 'run' | 'probe'; readonly period: number } | { readonly kind: 'wait'; readonly milliseconds: number };

interface Step { tasks: number; failures: number }

/** The window moves on in so many steps. */
const STEPS = 10;
/** While one task tries, others come back after so long, or after the time of being open if that is shorter. */
const WHILE_TRYING_MS = 1_000;

/**
 * Closed, it counts failures over a moving window; open, nothing runs; half-open, one task tries. Pure: the time is
 * an argument. What was admitted in an earlier period says nothing about this one.
 */
export class Circuit {
  state: CircuitState = 'closed';
  tasks = 0;
  failures = 0;
  private period = 0;
  private openUntil = 0;
  private trying = false;
  private steps: Step[] = [];
  private step = -Infinity;

  constructor(private readonly rules: CircuitRules) {}

  admit(now: number): Admission {
    if (this.state === 'open' && now >= this.openUntil) this.enter('half-open');
    if (this.state === 'closed') return { kind: 'run', period: this.period };
    if (this.state === 'open') return { kind: 'wait', milliseconds: this.openUntil - now };
    if (this.trying) return { kind: 'wait', milliseconds: Math.min(WHILE_TRYING_MS, this.rules.openMs) };
    this.trying = true;
    return { kind: 'probe', period: this.period };
  }

  /** @param failed `undefined` where the end says nothing, as when the handler only put itself off */
  record(period: number, failed: boolean | undefined, now: number): CircuitState {
    if (period !== this.period) return this.state;
    if (this.state === 'half-open') {
      this.trying = false;
      if (failed === true) this.open(now);
      else if (failed === false) this.enter('closed');
    } else if (failed !== undefined) {
      this.count(failed, now);
      if (this.isOver()) this.open(now);
    }
    return this.state;
  }

  private isOver(): boolean {
    const { minimumTasks, failureShare } = this.rules;
    return this.tasks >= minimumTasks && this.failures > 0 && this.failures >= this.tasks * failureShare;
  }

  private count(failed: boolean, now: number): void {
    this.forget(now);
    const current = this.stepAt(this.step);
    current.tasks++;
    this.tasks++;
    if (!failed) return;
    current.failures++;
    this.failures++;
  }

  private forget(now: number): void {
    const step = Math.floor(now / (this.rules.windowMs / STEPS));
    if (step - this.step >= STEPS) this.clear();
    else for (let passed = this.step + 1; passed <= step; passed++) this.clearStep(passed);
    this.step = step;
  }

  private clearStep(step: number): void {
    const cleared = this.stepAt(step);
    this.tasks -= cleared.tasks;
    this.failures -= cleared.failures;
    cleared.tasks = cleared.failures = 0;
  }

  private stepAt(step: number): Step {
    return this.steps[step % STEPS]!;
  }

  private clear(): void {
    this.steps = Array.from({ length: STEPS }, () => ({ tasks: 0, failures: 0 }));
    this.tasks = 0;
    this.failures = 0;
  }

  private open(now: number): void {
    this.openUntil = now + this.rules.openMs;
    this.enter('open');
  }

  private enter(state: CircuitState): void {
    this.state = state;
    this.period++;
    this.trying = false;
    if (state === 'closed') this.step = -Infinity;
  }
}
