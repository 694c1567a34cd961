import { Ledger } from '../support/ledger.js';
import { DOOMED_ATTEMPTS, KINDS, MAX_REDELIVERIES, type Kind } from './protocol.js';

/** Of one task. */
const MOST_TOLD = 200;

export interface Dead { uuid: string; reason: string }

interface Task {
  readonly kind: Kind;
  /** The numbers under which it started, and those at which its own handler failed. */
  readonly attempts: Set<number>;
  readonly failed: Set<number>;
  /** How many processes died while it ran in them, or ended while they could tell nobody of it. */
  deaths: number;
  /** How many were killed while it was nobody's, for all that can be seen: one may just have said that it begins. */
  between: number;
  /** In how many processes it runs. */
  aboard: number;
  /** What happened to it, with the seconds of the run, for whoever must know why it was charged. */
  readonly story: string[];
}

/**
 * What became of every task, and what it was charged for. A run that ends because its process is killed is a charge, since
 * the task may have been the cause; so is one whose process ended while its line to the server was broken, so that nobody
 * can know how. Its handler's failure is an attempt. Nothing else may count.
 *
 * A worker says of a task that came back that it begins, and then calls its handler: killed in between, it has run in
 * nobody's sight. So a kill may count for what had been begun before and ran nowhere at that moment.
 */
export class Account {
  readonly ledger = new Ledger();
  private readonly tasks = new Map<string, Task>();
  private readonly since = performance.now();

  offered(uuid: string, kind: Kind): void {
    this.tasks.set(uuid, { kind, attempts: new Set(), failed: new Set(), deaths: 0, between: 0, aboard: 0, story: [] });
  }

  started(uuid: string, attempt: number, pid = 0): void {
    const task = this.tasks.get(uuid);
    if (task !== undefined) {
      task.attempts.add(attempt);
      task.aboard++;
      this.tell(task, `started in ${pid} as attempt ${attempt}`);
    }
    this.ledger.add({ kind: 'started', uuid });
  }

  /** Its run in one process is over, in whatever way. */
  left(uuid: string): void {
    const task = this.tasks.get(uuid);
    if (task !== undefined) {
      task.aboard--;
      this.tell(task, 'left');
    }
  }

  /** Before what ran in it is booked. */
  processKilled(): void {
    for (const [uuid, task] of this.tasks) {
      if (task.story.length > 0) this.tell(task, `a process was killed; it runs in ${task.aboard}`);
      if (task.attempts.size > 0 && task.aboard === 0 && !this.ledger.finished.has(uuid) && !this.ledger.dead.has(uuid)) task.between++;
    }
  }

  threw(uuid: string, attempt: number): void {
    this.tasks.get(uuid)?.failed.add(attempt);
  }

  /** Its process was killed, by itself or by us, while it ran; or ended then without being able to say so. */
  died(uuid: string): void {
    const task = this.tasks.get(uuid);
    if (task === undefined) return;
    task.deaths++;
    this.tell(task, 'its process died');
  }

  dead({ uuid, reason }: Dead): void {
    const task = this.tasks.get(uuid);
    if (task !== undefined) this.tell(task, `dead: ${reason}`);
    this.ledger.add({ kind: 'dead', uuid, reason });
  }

  /** What was offered and has not finished; dead letters, few and read at the end only, are among it. */
  get underway(): number {
    return this.tasks.size - this.ledger.rejected.size - this.ledger.finished.size;
  }

  /** Never offered, and yet it ran or died. */
  invented(): string[] {
    return [...this.ledger.started.keys(), ...this.ledger.dead.keys()].filter((uuid) => !this.tasks.has(uuid));
  }

  /** Each task that was charged for what it had not done, or that ended as it must not, in words. */
  chargedWrongly(): string[] {
    return [...this.tasks].flatMap(([uuid, task]) => [...this.wrongAttempts(uuid, task), ...this.wrongEnd(uuid, task)]);
  }

  deadOf(reason: string): number {
    return [...this.ledger.dead.values()].filter((each) => each === reason).length;
  }

  /** How many were offered of each kind, in words. */
  kinds(): string {
    const kinds = [...this.tasks.values()].map(({ kind }) => kind);
    return KINDS.map((kind) => `${kinds.filter((each) => each === kind).length} ${kind}`).join(', ');
  }

  private wrongAttempts(uuid: string, { kind, attempts, failed }: Task): string[] {
    const wrong = [...attempts].filter((attempt) => attempt > 1 && !failed.has(attempt - 1));
    return wrong.map((attempt) => `${kind} ${uuid} started as attempt ${attempt}; its handler had failed at ${[...failed].join(', ') || 'none'}`);
  }

  private tell(task: Task, what: string): void {
    if (task.story.length < MOST_TOLD) task.story.push(`${((performance.now() - this.since) / 1000).toFixed(1)} s ${what}`);
  }

  private wrongEnd(uuid: string, { kind, failed, deaths, between, story }: Task): string[] {
    const reason = this.ledger.dead.get(uuid);
    const finished = this.ledger.finished.has(uuid);
    if (reason === undefined) return finished && (kind === 'deadly' || kind === 'doomed') ? [`${kind} ${uuid} finished`] : [];
    if (reason === 'crash-loop' && deaths + between > MAX_REDELIVERIES) return [];
    if (reason === 'failed' && kind === 'doomed' && failed.size === DOOMED_ATTEMPTS) return [];
    return [`${kind} ${uuid} ended as ${reason}; ${deaths} processes had died while it ran, ${between} between its runs, and its handler had failed ${failed.size} times: ${story.join('; ')}`];
  }
}
