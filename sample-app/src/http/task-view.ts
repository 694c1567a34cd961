import type { ResultState, TaskResult, TimelineEntry } from 'nestjs-dispatcher';

/** What a person is told of a task. */
export interface TaskView {
  uuid: string;
  name: string;
  state: ResultState;
  attempt: number;
  timeline: readonly TimelineEntry[];
  /** What the handler returned; 64-bit integers as digits, which JSON has no other way to say. */
  result?: unknown;
  error?: unknown;
}

export function viewOf({ uuid, name, state, attempt, timeline, outcome }: TaskResult): TaskView {
  const view = { uuid, name, state, attempt, timeline };
  switch (outcome?.kind) {
    case 'value': return { ...view, result: JSON.parse(JSON.stringify(outcome.value ?? null, digits)) as unknown };
    case 'error': return { ...view, error: outcome.error };
    case 'unstorable': return { ...view, error: { name: 'Error', message: outcome.problem } };
    case undefined: return view;
  }
}

function digits(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
