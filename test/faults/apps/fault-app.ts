import { startScript, type Child, type Exit } from '../../support/processes.js';
import type { Ledger, LedgerEntry } from '../../support/ledger.js';
import { Arrivals } from '../../support/wait.js';
import { CONFIG_VARIABLE, type AppConfig, type Burst, type Command, type Note } from './protocol.js';
import type { TaskInput } from '../../../lib/index.js';

const START_LIMIT_MS = 60_000;
/** More than a publish may take by default. */
const BURST_LIMIT_MS = 90_000;
const REFUSALS_LIMIT_MS = 60_000;

type Booked = Extract<Note, { kind: string }>;
type Told = Extract<Note, { note: string }>;
type Refusal = Extract<Note, { note: 'refused' }>;

/** An application of `app.ts` in a process of its own, and everything that it has said. */
export class FaultApp {
  /** What it said beside entries of the ledger. */
  readonly told = new Arrivals<Told>();
  /** How many runs started with this attempt number. */
  readonly attempts = new Map<number, number>();
  /** How many publishes were rejected with this code. */
  readonly rejections = new Map<string, number>();
  /** Of each run that starts. */
  onStarted: ((note: Extract<Note, { kind: 'started' }>) => void) | undefined;
  private readonly booked = new Arrivals<Booked>();
  private readonly child: Child;

  /** Entries go into `ledger`; single tasks can be waited for with `keepBooked`, which is not for thousands. */
  constructor(config: AppConfig, private readonly ledger: Ledger, private readonly keepBooked = false) {
    const env = { [CONFIG_VARIABLE]: JSON.stringify(config), DISPATCHER_ROLE: '' };
    this.child = startScript('test/faults/apps/app.ts', { env });
    this.child.onLine((line) => this.hear(line));
  }

  /** Starts one, and resolves when it consumes and publishes. */
  static async start(config: AppConfig, ledger: Ledger, { keepBooked = false } = {}): Promise<FaultApp> {
    const app = new FaultApp(config, ledger, keepBooked);
    await app.ready();
    return app;
  }

  get stderr(): string { return this.child.stderr; }

  async ready(): Promise<void> {
    await this.hearing(this.told.first((note) => note.note === 'ready', 'the application to be ready', START_LIMIT_MS));
  }

  /** A line of its log. */
  async logged(text: RegExp, limitMs?: number): Promise<string> {
    const line = await this.hearing(this.told.first((note) => note.note === 'log' && text.test(note.text), `a line of the log like ${text}`, limitMs));
    return (line as Extract<Told, { note: 'log' }>).text;
  }

  async burst(burst: Burst): Promise<void> {
    this.tell({ do: 'burst', burst });
    await this.hearing(this.told.first((note) => note.note === 'burst-done' && note.prefix === burst.prefix, `an answer to each publish of ${burst.prefix}`, BURST_LIMIT_MS));
  }

  /** Needs `keepBooked`. Resolves to what became of the publish. */
  publish(task: TaskInput & { uuid: string }, limitMs?: number): Promise<Booked> {
    this.tell({ do: 'publish', task });
    return this.entry(task.uuid, ['accepted', 'rejected'], limitMs);
  }

  /** Needs `keepBooked`. */
  entry(uuid: string, kinds: Booked['kind'][], limitMs?: number): Promise<Booked> {
    return this.hearing(this.booked.first((note) => note.uuid === uuid && kinds.includes(note.kind), `task ${uuid} to be ${kinds.join(' or ')}`, limitMs));
  }

  /** What became of so many tasks of `publish-refused`, in their order. */
  async refusals(count: number): Promise<Refusal[]> {
    const refused = (): Refusal[] => this.told.all.filter((note) => note.note === 'refused');
    await this.hearing(this.told.until(() => refused().length >= count, REFUSALS_LIMIT_MS, () => `${count} refusals; there are ${refused().length}`));
    return refused();
  }

  tell(command: Command): void {
    this.child.send(JSON.stringify(command));
  }

  /** SIGTERM, as an orchestrator does. */
  terminate(): void {
    this.child.signal('SIGTERM');
  }

  exited(limitMs?: number): Promise<Exit> {
    return this.child.exited(limitMs);
  }

  /** SIGKILL, and nothing of it is left when this resolves. Idempotent. */
  kill9(): Promise<void> {
    return this.child.stop();
  }

  private hear(line: string): void {
    const note = JSON.parse(line) as Note;
    if ('note' in note) return this.told.add(note);
    if (note.kind === 'started') {
      increment(this.attempts, note.attempt);
      this.onStarted?.(note);
    }
    if (note.kind === 'rejected') increment(this.rejections, note.code);
    if (this.keepBooked) this.booked.add(note);
    this.ledger.add(note as LedgerEntry);
  }

  private async hearing<T>(wait: Promise<T>): Promise<T> {
    try {
      return await wait;
    } catch (error) {
      const log = this.told.all.slice(-10).map((note) => JSON.stringify(note)).join('\n');
      throw new Error(`${(error as Error).message}\nIt said last:\n${log}\n${this.child.stderr}`, { cause: error });
    }
  }
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
