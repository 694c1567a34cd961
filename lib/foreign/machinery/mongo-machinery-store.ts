import type { Collection, Long, MongoClient } from 'mongodb';
import { isCompleted, machineryState, NO_TIME, type MachineryGroup, type MachineryResult, type MachineryState, type MachineryStateName } from '../../formats/machinery/task-state.js';
import { loadPeer } from '../../state/load-peer.js';
import { mongoFailure } from '../../state/mongodb/mongo-failure.js';
import type { StopWatching } from '../../state/state-backend.js';
import { refuseStrayCredentials } from '../../urls/credentials.js';
import { pollFor } from '../polling.js';
import type { GroupEnd, GroupMember, MachineryStore } from './machinery-store.js';

interface TaskDocument {
  _id: string;
  state: MachineryStateName;
  task_name?: string;
  created_at?: Date;
  results?: { type: string; value: unknown }[];
  error?: string;
}

interface GroupDocument {
  _id: string;
  task_uuids: string[];
  chord_triggered: boolean;
  lock: boolean;
  created_at: Date;
  /** Ours, as in the other backends. */
  dispatcher_triggered_by?: string;
}

interface Opened {
  readonly client: MongoClient;
  readonly tasks: Collection<TaskDocument>;
  readonly groups: Collection<GroupDocument>;
  readonly toLong: (value: bigint) => Long;
}

/** Unless the URL has another. */
const DATABASE = 'machinery';
const ANSWER_WITHIN_MS = 10_000;
const UNSIGNED_64 = 2n ** 63n;

/** Documents as machinery's MongoDB backend keeps them. They expire where its own indexes say so, which is nowhere in v1. */
export class MongoMachineryStore implements MachineryStore {
  readonly #url: string;
  private readonly display: string;
  private opening: Promise<Opened> | undefined;

  constructor(url: string) {
    refuseStrayCredentials(url, 'The mongodb: URL of foreignResults.machinery');
    this.#url = url;
    this.display = url.replace(/\?.*$/s, '').replace(/\/\/[^/]*@/, '//');
  }

  setPending({ TaskUUID, TaskName, CreatedAt }: MachineryState): Promise<void> {
    return this.ask(async ({ tasks }) => {
      await tasks.updateOne({ _id: TaskUUID }, { $setOnInsert: { state: 'PENDING', task_name: TaskName, created_at: new Date(CreatedAt) } }, { upsert: true });
    });
  }

  write(states: readonly MachineryState[]): Promise<void> {
    return this.ask(async ({ tasks, toLong }) => {
      for (const { TaskUUID, TaskName, State, Results, Error: error } of states) {
        const results = Results === null ? {} : { results: Results.map((result) => documentOf(result, toLong)) };
        await tasks.updateOne({ _id: TaskUUID }, { $set: { state: State, task_name: TaskName, ...results, ...(State === 'FAILURE' ? { error } : {}) } }, { upsert: true });
      }
    });
  }

  read(uuid: string): Promise<MachineryState | undefined> {
    return this.ask(async ({ tasks }) => {
      const found = await tasks.findOne({ _id: uuid });
      return found === null ? undefined : stateOf(found);
    });
  }

  watch(uuid: string, onState: (state: MachineryState) => void, onError: (error: Error) => void): StopWatching {
    return pollFor(() => this.read(uuid), (one, other) => one.State === other.State, onState, onError);
  }

  initGroup({ GroupUUID, TaskUUIDs, CreatedAt }: MachineryGroup): Promise<void> {
    return this.ask(async ({ groups }) => {
      await groups.updateOne({ _id: GroupUUID }, { $setOnInsert: { task_uuids: [...TaskUUIDs], chord_triggered: false, lock: false, created_at: new Date(CreatedAt) } }, { upsert: true });
    });
  }

  complete({ uuid, group, count }: GroupMember): Promise<GroupEnd> {
    return this.ask(async ({ tasks, groups }): Promise<GroupEnd> => {
      const found = await groups.findOne({ _id: group });
      if (found === null) return { kind: 'gone' };
      if (found.chord_triggered && found.dispatcher_triggered_by !== uuid) return { kind: 'others' };
      const byId = new Map((await tasks.find({ _id: { $in: found.task_uuids } }).toArray()).map((document) => [document._id, stateOf(document)]));
      const ended = found.task_uuids.map((member) => byId.get(member)).filter((state): state is MachineryState => state !== undefined && isCompleted(state));
      if (ended.length < Math.max(count, found.task_uuids.length)) return { kind: 'pending' };
      const mine = found.chord_triggered || (await groups.updateOne({ _id: group, chord_triggered: false }, { $set: { chord_triggered: true, dispatcher_triggered_by: uuid } })).matchedCount === 1;
      return mine ? { kind: 'mine', states: ended, sent: () => this.sent(group) } : { kind: 'others' };
    });
  }

  async close(): Promise<void> {
    const opened = await this.opening?.catch(() => undefined);
    await opened?.client.close(true).catch(() => undefined);
  }

  private sent(group: string): Promise<void> {
    return this.ask(async ({ groups }) => { await groups.updateOne({ _id: group }, { $unset: { dispatcher_triggered_by: true } }); });
  }

  private async ask<T>(work: (opened: Opened) => Promise<T>): Promise<T> {
    try {
      return await work(await (this.opening ??= this.open().catch((error: unknown) => {
        this.opening = undefined;
        throw error;
      })));
    } catch (error) {
      throw mongoFailure(error, this.display);
    }
  }

  /** The driver keeps the connection. */
  private async open(): Promise<Opened> {
    const { MongoClient, Long } = await loadPeer('mongodb', 'mongodb:', () => import('mongodb'));
    const client = new MongoClient(this.#url, { serverSelectionTimeoutMS: ANSWER_WITHIN_MS, socketTimeoutMS: ANSWER_WITHIN_MS, useBigInt64: true, appName: 'nestjs-dispatcher' });
    await client.connect();
    const path = /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)/.exec(this.#url)?.[1];
    const db = client.db(path === undefined ? DATABASE : decodeURIComponent(path));
    return { client, tasks: db.collection<TaskDocument>('tasks'), groups: db.collection<GroupDocument>('group_metas'), toLong: (value) => Long.fromBigInt(value) };
  }
}

/** An integer that Go's driver could not read is a text. */
function documentOf({ Type, Value }: MachineryResult, toLong: (value: bigint) => Long): { type: string; value: unknown } {
  const integer = (value: unknown): unknown => (typeof value === 'bigint' ? toLong(value) : Number.isSafeInteger(value) && /int/.test(Type) ? toLong(BigInt(value as number)) : value);
  if (Type === 'uint64' && typeof Value === 'bigint' && Value >= UNSIGNED_64) return { type: 'string', value: Value.toString() };
  return { type: Type, value: Array.isArray(Value) ? Value.map(integer) : integer(Value) };
}

function stateOf({ _id: uuid, task_name: name = '', state, results, error = '', created_at: at }: TaskDocument): MachineryState {
  return machineryState({ uuid, name }, state, {
    Results: results?.map(({ type, value }) => ({ Type: type, Value: value })) ?? null, Error: error, CreatedAt: at === undefined ? NO_TIME : at.toISOString(),
  });
}
