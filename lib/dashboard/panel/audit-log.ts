import type { AuditEntry } from '../answers.js';

/**
 * Tells whoever wants to know what was asked for here. What reached the dispatcher is in its own audit and log; what was
 * refused before, the log of the dashboard says.
 */
export class AuditLog {
  constructor(private readonly log: (text: string) => void, private readonly told: ((entry: AuditEntry) => unknown) | undefined, private readonly problem: (text: string, error: unknown) => void) {}

  /** @param isRefused here: the dispatcher has not heard of it */
  add(entry: AuditEntry, isRefused = false): void {
    const { by, action, dispatcher, what, error } = entry;
    if (isRefused) this.log(`Dashboard: ${JSON.stringify(by)} asked for ${action} on the dispatcher "${dispatcher}" ${JSON.stringify(what)}: not done: ${error}`);
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
