import { randomUUID } from 'node:crypto';
import { ResultBackendError } from '../../errors.js';
import {
  isCompleted, NO_TIME, readMachineryGroup, readMachineryState, writeMachineryGroup, writeMachineryState, type MachineryGroup, type MachineryState,
} from '../../formats/machinery/task-state.js';
import type { StateBackend, StopWatching } from '../../state/state-backend.js';
import { pauseUntil } from '../../time/pause-until.js';
import { makeStopper } from '../../time/stopper.js';
import type { GroupEnd, GroupMember, MachineryStore } from './machinery-store.js';

export interface KeyedMachineryOptions {
  readonly expiresInMs: number;
  /** The name of the lock under which workers in Go change a group; absent where they go by the group's own `Lock`. */
  readonly mutex?: string | undefined;
}

/** As the lock of machinery: whoever holds it for longer has died. */
const MUTEX_MS = 8_000;
const PAUSE_MS = 20;
/** A lock that is inside of the group, and was left there, is nobody's: workers in Go hold it for a few milliseconds. */
const MOST_LOOKS = 500;

/** States and groups under their uuids, as JSON: the backends redis and memcache of machinery. */
export class KeyedMachineryStore implements MachineryStore {
  private readonly stopper = makeStopper();
  private opening: Promise<unknown> | undefined;

  constructor(private readonly backend: StateBackend, private readonly options: KeyedMachineryOptions) {}

  async setPending(state: MachineryState): Promise<void> {
    await this.open();
    await this.backend.setIfAbsent(state.TaskUUID, writeMachineryState(state), this.options);
  }

  async write(states: readonly MachineryState[]): Promise<void> {
    await this.open();
    for (const state of states) {
      const before = await this.readable(state.TaskUUID);
      const CreatedAt = state.CreatedAt === NO_TIME && before !== undefined ? before.CreatedAt : state.CreatedAt;
      await this.backend.set(state.TaskUUID, writeMachineryState({ ...state, CreatedAt }), this.options);
    }
  }

  async read(uuid: string): Promise<MachineryState | undefined> {
    await this.open();
    const bytes = await this.backend.get(uuid);
    return bytes === undefined ? undefined : readMachineryState(bytes);
  }

  watch(uuid: string, onState: (state: MachineryState) => void, onError: (error: Error) => void): StopWatching {
    let stop: StopWatching | undefined;
    let stopped = false;
    const fail = (error: unknown): void => {
      if (stopped) return;
      stopped = true;
      stop?.();
      onError(error as Error);
    };
    this.open().then(() => {
      if (stopped) return;
      stop = this.backend.watch(uuid, (bytes) => {
        try {
          onState(readMachineryState(bytes));
        } catch (error) {
          fail(error);
        }
      });
    }).catch(fail);
    return () => {
      stopped = true;
      stop?.();
    };
  }

  async initGroup(group: MachineryGroup): Promise<void> {
    await this.open();
    await this.backend.set(group.GroupUUID, writeMachineryGroup(group), this.options);
  }

  async complete({ uuid, group, count }: GroupMember): Promise<GroupEnd> {
    const found = await this.readGroup(group);
    if (found === undefined) return { kind: 'gone' };
    if (found.ChordTriggered && found.DispatcherTriggeredBy !== uuid) return { kind: 'others' };
    const states = await Promise.all(found.TaskUUIDs.map((member) => this.readable(member)));
    const ended = states.filter((state): state is MachineryState => state !== undefined && isCompleted(state));
    if (ended.length < Math.max(count, found.TaskUUIDs.length)) return { kind: 'pending' };
    if (!await this.trigger(group, uuid)) return { kind: 'others' };
    return { kind: 'mine', states: ended, sent: () => this.changeGroup(group, ({ DispatcherTriggeredBy: _mine, ...rest }) => rest) };
  }

  async close(deadlineMs: number): Promise<void> {
    this.stopper.abort();
    await this.backend.close(deadlineMs);
  }

  /** True where the callback is for this member to send: nobody else was, or its own worker has died since. */
  private async trigger(group: string, uuid: string): Promise<boolean> {
    let isMine = false;
    await this.underMutex(() => this.changeGroup(group, (found) => {
      isMine = found.ChordTriggered ? found.DispatcherTriggeredBy === uuid : true;
      return isMine && !found.ChordTriggered ? { ...found, ChordTriggered: true, DispatcherTriggeredBy: uuid } : undefined;
    }));
    return isMine;
  }

  /** Workers in Go read and write a group in two steps, under this lock. */
  private async underMutex(work: () => Promise<void>): Promise<void> {
    const { mutex } = this.options;
    if (mutex === undefined) return work();
    const token = Buffer.from(randomUUID());
    while (!(await this.backend.setIfAbsent(mutex, token, { expiresInMs: MUTEX_MS })).taken) await this.pause();
    try {
      await work();
    } finally {
      await this.backend.deleteIfEqual(mutex, token);
    }
  }

  /** @param change `undefined`: it stays as it is. Asked anew where somebody else has changed it meanwhile */
  private async changeGroup(uuid: string, change: (group: MachineryGroup) => MachineryGroup | undefined): Promise<void> {
    for (let looks = 0; ; looks++) {
      const bytes = await this.backend.get(uuid);
      if (bytes === undefined) return;
      const group = readMachineryGroup(bytes);
      if (!group.Lock || looks >= MOST_LOOKS) {
        const changed = change(group);
        if (changed === undefined || await this.backend.replaceIfEqual(uuid, bytes, writeMachineryGroup({ ...changed, Lock: false }), this.options)) return;
      }
      await this.pause();
    }
  }

  private async readGroup(uuid: string): Promise<MachineryGroup | undefined> {
    await this.open();
    const bytes = await this.backend.get(uuid);
    return bytes === undefined ? undefined : readMachineryGroup(bytes);
  }

  /** What cannot be read is about to be overwritten, or not the state of a task. */
  private async readable(uuid: string): Promise<MachineryState | undefined> {
    const bytes = await this.backend.get(uuid);
    try {
      return bytes === undefined ? undefined : readMachineryState(bytes);
    } catch {
      return undefined;
    }
  }

  private async pause(): Promise<void> {
    await pauseUntil(PAUSE_MS, this.stopper.signal);
    if (this.stopper.signal.aborted) throw new ResultBackendError('The worker is closing, and does not wait for the lock of a group any more.', {}, undefined, undefined, true);
  }

  private open(): Promise<unknown> {
    return (this.opening ??= this.backend.connect().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    }));
  }
}
