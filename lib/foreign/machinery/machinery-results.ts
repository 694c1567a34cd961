import { chordCallback } from '../../formats/machinery/machinery.js';
import type { MachinerySignature } from '../../formats/machinery/signature.js';
import { machineryGroup, machineryResults, machineryState, machineryValue, pendingState, type MachineryState, type MachineryStateName } from '../../formats/machinery/task-state.js';
import { newTaskResult, type TaskResult, type TaskState } from '../../results/task-result.js';
import type { StopWatching } from '../../state/state-backend.js';
import { messageOf } from '../../task/error-text.js';
import type { Task } from '../../task/task.js';
import { clock } from '../../time/clock.js';
import type { ForeignEnd, ForeignResults, Sending } from '../foreign-results.js';
import type { MachineryStore } from './machinery-store.js';

const OUR_STATES: Readonly<Record<MachineryStateName, TaskState>> = {
  PENDING: 'published', RECEIVED: 'received', STARTED: 'started', RETRY: 'retrying', SUCCESS: 'succeeded', FAILURE: 'failed',
};

export interface MachineryResultsOptions {
  readonly warn: (message: string) => void;
}

/** States, results and chords as machinery has them, whichever of its backends keeps them. */
export class MachineryResults implements ForeignResults {
  readonly format = 'machinery';

  constructor(private readonly store: MachineryStore, private readonly options: MachineryResultsOptions) {}

  sending(task: { readonly uuid: string; readonly name: string }): Promise<void> {
    return this.store.setPending(pendingState(task, clock.now()));
  }

  beginning(group: string, members: readonly string[]): Promise<void> {
    return this.store.initGroup(machineryGroup(group, members, clock.now()));
  }

  began(task: Task): Promise<void> {
    return this.store.write([machineryState(task, 'RECEIVED'), machineryState(task, 'STARTED')]);
  }

  async ended(task: Task, end: ForeignEnd): Promise<Sending | undefined> {
    const state = stateAfter(task, end);
    await this.store.write([state]);
    const { GroupUUID, GroupTaskCount, ChordCallback } = task.arrived?.envelope as MachinerySignature;
    if (GroupUUID === '' || (end.kind !== 'succeeded' && end.kind !== 'failed')) return undefined;
    const group = { uuid: task.uuid, group: GroupUUID, count: Number(GroupTaskCount), state };
    const ending = await this.store.complete(group);
    if (ChordCallback === null || ending.kind === 'pending' || ending.kind === 'others') return undefined;
    const { warn } = this.options;
    const lost = (why: string): void => warn(`The callback "${ChordCallback.Name}" (${ChordCallback.UUID}) of the chord ${GroupUUID} is not sent: ${why}`);
    if (ending.kind !== 'mine') return void lost('nothing is kept of its group. Its records have expired, or were never written to the store of this dispatcher (foreignResults).');
    const failed = ending.states.find(({ State }) => State !== 'SUCCESS');
    if (failed === undefined) return { followUps: [chordCallback(ChordCallback, task, ending.states)], sent: () => ending.sent() };
    await ending.sent();
    lost(`its member "${failed.TaskName}" (${failed.TaskUUID}) has failed, as it is in machinery.`);
    return undefined;
  }

  async read(uuid: string): Promise<TaskResult | undefined> {
    const state = await this.store.read(uuid);
    return state && resultOf(state);
  }

  watch(uuid: string, onResult: (result: TaskResult) => void, onError: (error: Error) => void): StopWatching {
    return this.store.watch(uuid, (state) => onResult(resultOf(state)), onError);
  }

  close(deadlineMs: number): Promise<void> {
    return this.store.close(deadlineMs);
  }
}

function stateAfter(task: Task, end: ForeignEnd): MachineryState {
  switch (end.kind) {
    case 'succeeded': return machineryState(task, 'SUCCESS', { Results: machineryResults(end.value) });
    case 'retrying': return machineryState(task, 'RETRY');
    case 'failed': return machineryState(task, 'FAILURE', { Error: messageOf(end.error) });
    case 'cancelled': return machineryState(task, 'FAILURE', { Error: end.reason });
  }
}

/** It says when a task was sent, and of no other time. */
function resultOf({ TaskUUID, TaskName, State, Results, Error: message, CreatedAt }: MachineryState): TaskResult {
  const state = OUR_STATES[State];
  const at = Math.max(0, Date.parse(CreatedAt) || 0);
  const attempt = State === 'PENDING' ? 0 : 1;
  const known = { ...newTaskResult(TaskUUID, TaskName), state, attempt, timeline: [{ state, at, ...(attempt === 0 ? {} : { attempt }) }] };
  if (State === 'SUCCESS') return { ...known, outcome: { kind: 'value', value: machineryValue(Results, TaskName) } };
  return State === 'FAILURE' ? { ...known, outcome: { kind: 'error', error: { name: 'Error', message } } } : known;
}
