import { startScript, type Child, type Exit } from '../support/processes.js';
import { Arrivals } from '../support/wait.js';
import type { Account } from './account.js';
import { CONFIG_VARIABLE, type AppConfig, type Command, type Note } from './protocol.js';

type Done = Extract<Note, { note: 'done' }>;

/** An application of `app.ts` in a process of its own; what it says goes into the account. */
export class AppProcess {
  readonly done = new Arrivals<Done>();
  private readonly ready = new Arrivals<true>();
  /** What has started in it and is not settled: a handler that threw is still aboard until its retry, or its dead letter, is on record. */
  private readonly aboard = new Set<string>();
  private readonly child: Child;
  private stopping = false;
  private stoppingSince = 0;
  private isLineUp = true;
  /** Since it was told to end there was a time when it could not speak to the server, or not as fast as it had to. */
  private wasSpeechless = false;
  /** What was aboard when it was told to end, and has not finished since. */
  private readonly unfinished = new Set<string>();
  private booked = false;

  /** @param wasCutOff whether its line to the server was broken at any time since then, by `performance.now()` */
  constructor(config: AppConfig, private readonly account: Account, private readonly wasCutOff: (since: number) => boolean) {
    this.child = startScript('test/endurance/app.ts', { env: { [CONFIG_VARIABLE]: JSON.stringify(config), DISPATCHER_ROLE: '' } });
    this.child.onLine((line) => this.hear(JSON.parse(line) as Note));
  }

  get pid(): number { return this.child.pid; }
  get stderr(): string { return this.child.stderr; }
  get isStopping(): boolean { return this.stopping; }
  get isReady(): boolean { return this.ready.all.length > 0; }

  async started(limitMs: number): Promise<void> {
    await this.ready.count(1, limitMs, `ready process; it said ${this.child.stderr}`);
  }

  tell(command: Command): void {
    this.child.send(JSON.stringify(command));
  }

  kill9(): void {
    this.child.kill('SIGKILL');
  }

  /** SIGTERM, as an orchestrator does; what does not end by then is killed by nobody. */
  terminate(): void {
    this.stopping = true;
    this.stoppingSince = performance.now();
    this.wasSpeechless = !this.isLineUp;
    for (const uuid of this.aboard) this.unfinished.add(uuid);
    this.child.signal('SIGTERM');
  }

  /** Resolves when it has ended and all that it said has been booked. */
  async ended(limitMs: number): Promise<Exit & { inOrder: boolean }> {
    const exit = await this.child.exited(limitMs);
    this.book(exit);
    return { ...exit, inOrder: this.stopping };
  }

  /** What ran in a killed one is charged with its death; so is what ran when it was told to end, where it could not say that it did. */
  private book({ signal }: Exit): void {
    if (this.booked) return;
    this.booked = true;
    const { account } = this;
    if (signal === 'SIGKILL') account.processKilled();
    const charged = signal === 'SIGKILL' ? this.aboard : this.stopping && (this.wasSpeechless || this.wasCutOff(this.stoppingSince)) ? this.unfinished : [];
    for (const uuid of charged) account.died(uuid);
    for (const uuid of this.aboard) account.left(uuid);
    this.aboard.clear();
  }

  private leave(uuid: string): void {
    if (this.aboard.delete(uuid)) this.account.left(uuid);
  }

  private hear(note: Note): void {
    const { account } = this;
    switch (note.note) {
      case 'ready': return this.ready.add(true);
      case 'line':
        this.isLineUp = note.up;
        this.wasSpeechless ||= !note.up;
        return;
      case 'problem':
        this.wasSpeechless ||= this.stopping;
        return;
      case 'done': return this.done.add(note);
      case 'accepted': case 'rejected': return account.ledger.add({ kind: note.note, uuid: note.uuid });
      case 'started':
        // Twice where it was given back and came again.
        if (this.aboard.has(note.uuid)) account.left(note.uuid);
        this.aboard.add(note.uuid);
        if (this.stopping) this.unfinished.add(note.uuid);
        return account.started(note.uuid, note.attempt, this.pid);
      case 'finished':
        this.leave(note.uuid);
        this.unfinished.delete(note.uuid);
        return account.ledger.add({ kind: 'finished', uuid: note.uuid });
      case 'threw':
        return account.threw(note.uuid, note.attempt);
      case 'interrupted': case 'settled': this.leave(note.uuid);
    }
  }
}
