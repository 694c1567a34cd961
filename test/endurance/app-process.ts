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

  constructor(config: AppConfig, private readonly account: Account) {
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
    this.child.signal('SIGTERM');
  }

  /** Resolves when it has ended and all that it said has been booked; what ran in a killed one is charged with its death. */
  async ended(limitMs: number): Promise<Exit & { inOrder: boolean }> {
    const exit = await this.child.exited(limitMs);
    if (exit.signal === 'SIGKILL') for (const uuid of this.aboard) this.account.died(uuid);
    this.aboard.clear();
    return { ...exit, inOrder: this.stopping };
  }

  private hear(note: Note): void {
    const { account } = this;
    switch (note.note) {
      case 'ready': return this.ready.add(true);
      case 'done': return this.done.add(note);
      case 'accepted': case 'rejected': return account.ledger.add({ kind: note.note, uuid: note.uuid });
      case 'started':
        this.aboard.add(note.uuid);
        return account.started(note.uuid, note.attempt);
      case 'finished':
        this.aboard.delete(note.uuid);
        return account.ledger.add({ kind: 'finished', uuid: note.uuid });
      case 'threw':
        return account.threw(note.uuid, note.attempt);
      case 'interrupted': case 'settled': this.aboard.delete(note.uuid);
    }
  }
}
