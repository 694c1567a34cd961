import { Header } from '../../task/headers.js';
import type { TaskHeaders } from '../../task/task.js';

/** On whose behalf the library itself publishes a task. @publicApi */
export type TaskOrigin =
  /** A tick of a schedule; in milliseconds since 1970. */
  | { readonly kind: 'schedule'; readonly schedule: string; readonly tick: number }
  /** A step of the workflow of this uuid. */
  | { readonly kind: 'workflow'; readonly workflow: string };

/** As our headers say it. */
export function originOf(ours: TaskHeaders): TaskOrigin | undefined {
  const { [Header.schedule]: schedule, [Header.tick]: tick, [Header.workflow]: step } = ours;
  if (typeof schedule === 'string' && typeof tick === 'number') return { kind: 'schedule', schedule, tick };
  return typeof step === 'string' ? { kind: 'workflow', workflow: step.split(' ', 1)[0] as string } : undefined;
}
