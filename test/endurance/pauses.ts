import type { PauseTarget } from '../../lib/index.js';
import type { Station } from './station.js';

const ANSWER_LIMIT_MS = 45_000;

/** Pauses and resumes, from one process for all; remembers what is to be resumed at the end. */
export class Pauses {
  count = 0;
  private numbers = 0;
  private readonly open = new Map<string, PauseTarget>();

  constructor(private readonly station: Station) {}

  async pause(target: PauseTarget): Promise<void> {
    this.open.set(JSON.stringify(target), target);
    this.count++;
    await this.ask('pause', target).catch(() => undefined);
  }

  /** What cannot be resumed now is at the end. */
  async resume(target: PauseTarget): Promise<void> {
    try {
      await this.ask('resume', target);
      this.open.delete(JSON.stringify(target));
    } catch {
      // The server is away, or the process that was asked: it stays in the list.
    }
  }

  async resumeAll(): Promise<void> {
    for (let attempt = 1; this.open.size > 0; attempt++) {
      if (attempt > 10) throw new Error(`These could not be resumed: ${[...this.open.keys()].join(', ')}`);
      for (const target of [...this.open.values()]) await this.resume(target);
    }
  }

  private async ask(what: 'pause' | 'resume', target: PauseTarget): Promise<void> {
    const { now } = this.station;
    const number = this.numbers++;
    await now.started(ANSWER_LIMIT_MS);
    now.tell({ do: what, target, number });
    const { error } = await now.done.first((note) => note.number === number, `an answer to ${what}`, ANSWER_LIMIT_MS);
    if (error !== undefined) throw new Error(error);
  }
}
