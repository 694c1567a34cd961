import { pauseUntil } from '../../time/pause-until.js';
import type { Entrance, TaskEnd, TaskGate, TaskVisit } from './task-gate.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** When what the gates ask does not answer. */
const UNANSWERED_MS = 5_000;

const RUN: Entrance = { kind: 'run' };

/** All gates of a worker as one. */
export class TaskGates {
  /** Also given up at a shutdown, while they are still asked about. */
  private readonly left = new WeakSet<TaskVisit>();

  constructor(
    private readonly gates: readonly TaskGate[],
    private readonly stopped: AbortSignal,
    private readonly onProblem: (message: string, error: unknown) => void,
  ) {}

  concern(visit: TaskVisit): boolean {
    for (const gate of this.gates) if (gate.concerns(visit)) return true;
    return false;
  }

  /** Up to the first that does not let it run. Never rejects; whatever the answer, `leave` follows. */
  async enter(visit: TaskVisit): Promise<Entrance> {
    let run: Entrance = RUN;
    for (const gate of this.gates) {
      if (!gate.concerns(visit)) continue;
      const entrance = await this.ask(gate, visit);
      // A gate that is passed after all were left would be left by nobody.
      if (entrance.kind !== 'run' || this.left.has(visit)) return entrance;
      if (entrance.args !== undefined) run = entrance;
    }
    return run;
  }

  /** True once every gate has recorded it; false when the worker was stopped before that. */
  async leave(visit: TaskVisit, end: TaskEnd): Promise<boolean> {
    this.left.add(visit);
    for (const gate of [...this.gates].reverse()) {
      if (gate.concerns(visit) && !await this.leaveOne(gate, visit, end)) return false;
    }
    return true;
  }

  private async ask(gate: TaskGate, visit: TaskVisit): Promise<Entrance> {
    try {
      return await gate.enter(visit);
    } catch (error) {
      this.onProblem(`Whether task "${visit.name}" (${visit.uuid}) may run could not be asked (${gate.name}); it waits in its queue.`, error);
      return { kind: 'wait', delayMs: UNANSWERED_MS, reason: `The ${gate.name} could not be asked.` };
    }
  }

  private async leaveOne(gate: TaskGate, visit: TaskVisit, end: TaskEnd): Promise<boolean> {
    // Once in any case: at a shutdown others wait for what is held here.
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await gate.leave(visit, end);
        return true;
      } catch (error) {
        this.onProblem(`That task "${visit.name}" (${visit.uuid}) is "${end.kind}" could not be recorded (${gate.name}); it is not acknowledged, and this is tried again.`, error);
        if (this.stopped.aborted) return false;
        await pauseUntil(pauseMs, this.stopped);
        if (this.stopped.aborted) return false;
      }
    }
  }
}
