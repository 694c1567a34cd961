import { InvalidBodyError } from '../../errors.js';
import { pythonJson } from '../python-json.js';
import { isObject, readJson, readJsonObject } from '../read-json.js';
import { isoOf } from './celery-signature.js';

/** Those that are kept, by workers of either side. */
export type CeleryStatus = 'PENDING' | 'RECEIVED' | 'STARTED' | 'RETRY' | 'SUCCESS' | 'FAILURE' | 'REVOKED';

/** An error as Celery keeps it: its workers and clients make an exception of it. */
export interface CeleryError {
  readonly exc_type: string;
  readonly exc_message: readonly unknown[];
  readonly exc_module: string;
}

export interface CeleryRecord {
  readonly taskId: string;
  readonly status: CeleryStatus;
  readonly result: unknown;
  readonly traceback: string | null;
  /** Ids of the tasks that were sent after it. */
  readonly children: readonly string[];
  /** Milliseconds since 1970; absent: it has not ended. */
  readonly doneAt?: number | undefined;
  readonly group?: string | undefined;
  readonly parent?: string | undefined;
}

const STATUSES: readonly CeleryStatus[] = ['PENDING', 'RECEIVED', 'STARTED', 'RETRY', 'SUCCESS', 'FAILURE', 'REVOKED'];
/** No module of Python: exceptions that it does not have are made by their name. */
const OUR_MODULE = 'nestjs_dispatcher';
const THEIR_MODULE = 'celery.exceptions';

export function taskMetaKey(id: string): string {
  return `celery-task-meta-${id}`;
}

/** @param of `size` of a chord, what has ended (`parts`), who was counted (`counted`), and who sends the callback (`claim`) */
export function chordKeys(group: string): Readonly<Record<'parts' | 'added' | 'size' | 'counted' | 'saved' | 'claim', string>> {
  const key = `celery-taskset-meta-${group}`;
  return { parts: `${key}.j`, added: `${key}.t`, size: `${key}.s`, counted: `${key}.d`, saved: key, claim: `${key}.c` };
}

/** Celery's own bytes. */
export function writeCeleryRecord({ taskId, status, result, traceback, children, doneAt, group, parent }: CeleryRecord): Buffer {
  return Buffer.from(pythonJson({
    status, result, traceback, children: children.map((id) => [[id, null], null]), date_done: isoOf(doneAt),
    ...(group === undefined ? {} : { group_id: group }), ...(parent === undefined ? {} : { parent_id: parent }), task_id: taskId,
  }));
}

/** @throws InvalidBodyError */
export function readCeleryRecord(bytes: Buffer): CeleryRecord {
  const { task_id: taskId, status, result, traceback, children, date_done: done, group_id: group, parent_id: parent } = readJsonObject(bytes, '{"task_id","status","result",...}');
  if (typeof taskId !== 'string' || !STATUSES.includes(status as CeleryStatus)) {
    throw new InvalidBodyError(`What is kept there is no result of Celery: it must be a JSON object {"task_id","status","result",...} whose status is one of ${STATUSES.join(', ')}.`);
  }
  const doneAt = typeof done === 'string' ? Date.parse(done) : NaN;
  return {
    taskId, status: status as CeleryStatus, result: result ?? null, traceback: typeof traceback === 'string' ? traceback : null,
    children: Array.isArray(children) ? children.map(idIn).filter((id) => id !== undefined) : [], ...(Number.isNaN(doneAt) ? {} : { doneAt }),
    ...(typeof group === 'string' ? { group } : {}), ...(typeof parent === 'string' ? { parent } : {}),
  };
}

export function celeryError(name: string, message: string): CeleryError {
  return { exc_type: name || 'Error', exc_message: [message], exc_module: OUR_MODULE };
}

/** One that Celery's clients know. */
export function ownCeleryError(name: 'TaskRevokedError' | 'ChordError', message: string): CeleryError {
  return { exc_type: name, exc_message: [message], exc_module: THEIR_MODULE };
}

/** Name and text of what another kept as an error. Never throws. */
export function readCeleryError(found: unknown): { name: string; message: string } {
  if (!isObject(found)) return { name: 'Error', message: typeof found === 'string' ? found : pythonJson(found) };
  const { exc_type: name, exc_message: message } = found;
  const texts = (Array.isArray(message) ? message as unknown[] : [message]).map((text) => (typeof text === 'string' ? text : pythonJson(text)));
  return { name: typeof name === 'string' ? name : 'Error', message: texts.join(', ') };
}

/** What a member of a chord leaves among the parts. */
export interface ChordPart {
  readonly id: string;
  readonly status: string;
  readonly result: unknown;
}

export function writeChordPart({ id, status, result }: ChordPart): Buffer {
  return Buffer.from(pythonJson([1, id, status, result]));
}

/** @throws InvalidBodyError */
export function readChordPart(bytes: Buffer): ChordPart {
  const found = readJson(bytes, 'a list [1, id, status, result]');
  const [, id, status, result] = (Array.isArray(found) ? found : []) as unknown[];
  if (typeof id !== 'string' || typeof status !== 'string') throw new InvalidBodyError('What is kept there is no part of a chord of Celery: it must be a list [1, id, status, result].');
  return { id, status, result: result ?? null };
}

function idIn(child: unknown): string | undefined {
  const first: unknown = Array.isArray(child) ? child[0] : undefined;
  const id: unknown = Array.isArray(first) ? first[0] : undefined;
  return typeof id === 'string' ? id : undefined;
}
