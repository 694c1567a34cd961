import type { MessageProperties } from '../../brokers/broker.js';
import { InvalidTaskError } from '../../errors.js';
import { celeryFollowUps, chainOf, chordCallback, chordErrbacks, type ChainedTask, type Envelope, type Parent } from '../../formats/celery/celery-signature.js';
import { celeryError, ownCeleryError, readCeleryError, readCeleryRecord, writeCeleryRecord, type CeleryRecord, type CeleryStatus, type ChordPart } from '../../formats/celery/celery-result.js';
import { jsonValue } from '../../formats/json-value.js';
import { errorRecord } from '../../results/task-error-record.js';
import { newTaskResult, type TaskResult, type TaskState } from '../../results/task-result.js';
import type { StopWatching } from '../../state/state-backend.js';
import type { Task } from '../../task/task.js';
import { clock } from '../../time/clock.js';
import type { ForeignEnd, ForeignResults, Sending } from '../foreign-results.js';
import type { CeleryStore, ReplyAddress } from './celery-store.js';

const OUR_STATES: Readonly<Record<CeleryStatus, TaskState>> = {
  PENDING: 'published', RECEIVED: 'received', STARTED: 'started', RETRY: 'retrying', SUCCESS: 'succeeded', FAILURE: 'failed', REVOKED: 'cancelled',
};

export interface CeleryResultsOptions {
  readonly warn: (message: string) => void;
}

/** Results, replies and chords as Celery has them, whichever of its backends keeps them. */
export class CeleryResults implements ForeignResults {
  readonly format = 'celery';

  constructor(private readonly store: CeleryStore, private readonly options: CeleryResultsOptions) {}

  async sending({ uuid }: { readonly uuid: string }, properties?: MessageProperties): Promise<void> {
    if (properties !== undefined) await this.store.expect(uuid, properties);
  }

  async beginning(group: string, members: readonly string[], isChord: boolean): Promise<void> {
    if (!isChord) return;
    if (this.store.initChord === undefined) throw new InvalidTaskError('A chord of Celery needs a result backend that counts its members, and rpc: does not. Name a Redis: foreignResults: { celery: \'redis://...\' }.', { group });
    await this.store.initChord(group, members.length);
  }

  /** As Celery, which does not say so by default. */
  began(): Promise<void> {
    return Promise.resolve();
  }

  async ended(task: Task, end: ForeignEnd, uuidFor: (place: string) => string): Promise<Sending | undefined> {
    const envelope = task.arrived?.envelope as Envelope;
    const parent: Parent = { id: task.uuid, headers: envelope.headers, embed: envelope.embed };
    const part = this.partOf(task, end);
    if (envelope.headers['ignore_result'] !== true) await this.keep(task, end, part, childrenOf(parent, end, uuidFor));
    if (end.kind === 'retrying') return undefined;
    const failed = end.kind === 'succeeded' ? [] : chainOf(envelope.embed);
    for (const { id, replyTo } of failed) if (id !== undefined) await this.keepFailure(id, part, task.uuid, { replyTo, correlationId: id });
    return this.chordOf(parent, part, failed, uuidFor);
  }

  async read(uuid: string): Promise<TaskResult | undefined> {
    const record = await this.store.read(uuid);
    return record && resultOf(readCeleryRecord(record));
  }

  watch(uuid: string, onResult: (result: TaskResult) => void, onError: (error: Error) => void): StopWatching {
    const stop = this.store.watch(uuid, (record) => {
      try {
        onResult(resultOf(readCeleryRecord(record)));
      } catch (error) {
        stop();
        onError(error as Error);
      }
    }, onError);
    return stop;
  }

  close(deadlineMs: number): Promise<void> {
    return this.store.close(deadlineMs);
  }

  private partOf({ uuid: id, name }: Task, end: ForeignEnd): ChordPart {
    if (end.kind === 'cancelled') return { id, status: 'REVOKED', result: ownCeleryError('TaskRevokedError', end.reason) };
    if (end.kind !== 'succeeded') {
      const error = errorRecord(end.error);
      return { id, status: end.kind === 'failed' ? 'FAILURE' : 'RETRY', result: celeryError(error.name, error.message) };
    }
    const json = jsonValue(end.value);
    if ('value' in json) return { id, status: 'SUCCESS', result: json.value };
    this.options.warn(`What task "${name}" (${id}) returned could not be told to celery, which is told null: ${json.problem}.`);
    return { id, status: 'SUCCESS', result: null };
  }

  private async keep(task: Task, end: ForeignEnd, { status, result }: ChordPart, children: readonly string[]): Promise<void> {
    const { headers, replyTo, correlationId } = task.arrived?.envelope as Envelope;
    const traceback = 'error' in end ? errorRecord(end.error).stack ?? null : null;
    const record: CeleryRecord = {
      taskId: task.uuid, status: status as CeleryStatus, result, traceback, children, doneAt: end.kind === 'retrying' ? undefined : clock.now(),
      group: textIn(headers['group']), parent: textIn(headers['parent_id']),
    };
    await this.store.write(task.uuid, writeCeleryRecord(record), status === 'SUCCESS', { replyTo, correlationId: correlationId ?? task.uuid });
  }

  /** Whoever waits for the end of a chain waits for the last one, which will never run. */
  private async keepFailure(id: string, { status, result }: ChordPart, parent: string, to: ReplyAddress = {}): Promise<void> {
    const record = writeCeleryRecord({ taskId: id, status: status as CeleryStatus, result, traceback: null, children: [], doneAt: clock.now(), parent });
    await this.store.write(id, record, false, to);
  }

  /** The chord that the task is a member of, or, where it fails, that the end of its chain is one of. */
  private async chordOf(parent: Parent, part: ChordPart, failed: readonly ChainedTask[], uuidFor: (place: string) => string): Promise<Sending | undefined> {
    const { headers, embed } = parent;
    if (embed.chord !== null && embed.chord !== undefined) return this.complete(embed.chord, textIn(headers['group']), numberIn(headers['group_index']), part, parent, uuidFor);
    const chained = failed.find(({ chord }) => chord !== undefined);
    return chained && this.complete(chained.chord, chained.group, chained.index, { ...part, id: chained.id ?? part.id }, parent, uuidFor);
  }

  private async complete(callback: unknown, group: string | undefined, index: number | undefined, part: ChordPart, parent: Parent, uuidFor: (place: string) => string): Promise<Sending | undefined> {
    if (group === undefined || this.store.complete === undefined) return undefined;
    const ending = await this.store.complete(group, index, part);
    if (ending.kind !== 'mine') return undefined;
    const surroundings = { now: clock.now(), uuidFor };
    const sent = (): Promise<void> => ending.sent();
    const bad = ending.parts.find(({ status }) => status !== 'SUCCESS');
    if (bad === undefined && !ending.isShaped) return { followUps: [chordCallback(callback, ending.parts.map(({ result }) => result), parent, surroundings)], sent };
    const why = bad === undefined ? 'Its members are groups of their own, whose results only a worker of Celery can put together.' : `Dependency ${bad.id} raised ${errorText(bad.result)}`;
    const { id, followUps } = chordErrbacks(callback, parent, surroundings);
    await this.keepFailure(id, { id, status: 'FAILURE', result: ownCeleryError('ChordError', why) }, parent.id);
    return { followUps, sent };
  }
}

function childrenOf(parent: Parent, end: ForeignEnd, uuidFor: (place: string) => string): string[] {
  if (end.kind !== 'succeeded') return [];
  const sent = celeryFollowUps(parent, { kind: 'succeeded', value: null }, { now: 0, uuidFor });
  return sent.map(({ message }) => message.properties.messageId).filter((id) => id !== undefined);
}

function resultOf({ taskId, status, result, traceback, doneAt }: CeleryRecord): TaskResult {
  const state = OUR_STATES[status];
  const known = { ...newTaskResult(taskId, ''), state, attempt: 1, timeline: [{ state, at: doneAt ?? 0, attempt: 1 }] };
  if (status === 'SUCCESS') return { ...known, outcome: { kind: 'value', value: result } };
  if (status !== 'FAILURE' && status !== 'REVOKED') return known;
  const { name, message } = readCeleryError(result);
  return { ...known, outcome: { kind: 'error', error: { name, message, ...(traceback === null ? {} : { stack: traceback }) } } };
}

function errorText(result: unknown): string {
  const { name, message } = readCeleryError(result);
  return `${name}(${JSON.stringify(message)})`;
}

function textIn(header: unknown): string | undefined {
  return typeof header === 'string' && header !== '' ? header : undefined;
}

function numberIn(header: unknown): number | undefined {
  return typeof header === 'number' ? header : undefined;
}
