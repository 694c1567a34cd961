/** `unknown`: cannot be told over AMQP, or with these rights. */
export type FindingStatus = 'ok' | 'warning' | 'problem' | 'unknown';

/** What one check of the doctor has found. */
export interface Finding {
  /** Its name, for scripts. */
  readonly check: string;
  readonly status: FindingStatus;
  /** What is there, and what follows from it. */
  readonly found: string;
  /** What to do, or to type. */
  readonly todo?: string;
}

export const ok = (check: string, found: string): Finding => ({ check, status: 'ok', found });
export const warning = (check: string, found: string, todo: string): Finding => ({ check, status: 'warning', found, todo });
export const problem = (check: string, found: string, todo: string): Finding => ({ check, status: 'problem', found, todo });
export const unknown = (check: string, found: string, todo: string): Finding => ({ check, status: 'unknown', found, todo });
