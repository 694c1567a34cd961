import type { Task, TaskHeaders, TaskInput } from '../task/task.js';

/** How the tasks of a workflow are published; what it resolves for, the broker has. */
export interface StepSender {
  /** As `publish`, with headers of ours. */
  send(task: TaskInput, headers: TaskHeaders): Promise<void>;
  /** Straight to a queue. */
  sendTo(queue: string, task: Task): Promise<void>;
  /** Runs the dead letters of these uuids anew; returns which there were. */
  replay(queue: string, uuids: ReadonlySet<string>): Promise<number>;
}
