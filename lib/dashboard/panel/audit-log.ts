import type { AuditEntry } from '../answers.js';

const MOST_KEPT = 500;

/** Who did what, as far as it was done here since this process was started. The log has all of it. */
export class AuditLog {
  /** The newest first. */
  readonly entries: AuditEntry[] = [];

  constructor(private readonly log: (text: string) => void, private readonly told: ((entry: AuditEntry) => unknown) | undefined, private readonly problem: (text: string, error: unknown) => void) {}

  add(entry: AuditEntry): void {
    this.entries.unshift(entry);
    if (this.entries.length > MOST_KEPT) this.entries.pop();
    const { by, action, dispatcher, what, count, error } = entry;
    const outcome = error === undefined ? count === undefined ? 'done' : `done, ${count} concerned` : `not done: ${error}`;
    this.log(`Dashboard: ${JSON.stringify(by)} asked for ${action} on the dispatcher "${dispatcher}" ${JSON.stringify(what)}: ${outcome}`);
    void this.tell(entry);
  }

  private async tell(entry: AuditEntry): Promise<void> {
    try {
      await this.told?.(entry);
    } catch (error) {
      this.problem('audit of the dashboard failed', error);
    }
  }
}
