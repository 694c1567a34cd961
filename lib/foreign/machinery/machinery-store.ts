import type { MachineryGroup, MachineryState } from '../../formats/machinery/task-state.js';
import type { StopWatching } from '../../state/state-backend.js';

/** Where machinery keeps states and groups: one adapter for each of its result backends. */
export interface MachineryStore {
  /** Where there is none yet: what was sent twice may have ended by now. */
  setPending(state: MachineryState): Promise<void>;
  /** Writes them one after the other. What is not said in them stays as it was, where the backend can tell. */
  write(states: readonly MachineryState[]): Promise<void>;
  read(uuid: string): Promise<MachineryState | undefined>;
  /** As `ResultReader.watch`. */
  watch(uuid: string, onState: (state: MachineryState) => void, onError: (error: Error) => void): StopWatching;
  /** Before the members of a chord or a group are sent. */
  initGroup(group: MachineryGroup): Promise<void>;
  /** After the end of a member was written. */
  complete(member: GroupMember): Promise<GroupEnd>;
  close(deadlineMs: number): Promise<void>;
}

export interface GroupMember {
  readonly uuid: string;
  readonly group: string;
  readonly count: number;
  readonly state: MachineryState;
}

/**
 * `pending`: others are still to end. `others`: it has been dealt with, or is, by whoever ended last. `mine`: all have ended,
 * and it is for this member to send the callback, until `sent` is called. `gone`: nothing is known of the group any more.
 */
export type GroupEnd =
  | { readonly kind: 'pending' | 'others' | 'gone' }
  | { readonly kind: 'mine'; readonly states: readonly MachineryState[]; sent(): Promise<void> };
