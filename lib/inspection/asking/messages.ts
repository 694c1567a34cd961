import type { FiringOutcome } from '../../schedules/schedule.js';
import type { QueueType } from '../../brokers/broker.js';
import type { DurationCounts } from '../book/durations.js';
import type { ContractPart } from '../contract-report.js';
import type { PutOff } from '../book/put-off-book.js';
import type { ActionFilter, ActionInfo, EndedTaskInfo, FailureGroup, LockInfo, ProcessInfo, QueueMinute, RunningTaskInfo, RunTotals, TaskFilter } from '../model.js';
import { areTexts, type Fields, isObject, type Kind, SHAPES } from './shapes.js';

export type { Kind } from './shapes.js';

/** By which all processes of the exchange are asked. */
export const QUESTIONS = 'questions';
/** By which a process that ends orderly says so, if anybody ever asked it. */
export const FAREWELLS = 'farewells';
const ANSWERS = 'answers.';
/** Whoever asks more is not one of us. */
const MOST_QUESTION_BYTES = 64 * 1024;
const MOST_ITEMS = 10_000;
/** One that ends hands over its last ones. */
export const MOST_HANDED_OVER = 100;
const MOST_HANDOVER_BYTES = 512 * 1024;
const VERSION = 1;

/** What the items of an answer are, by what was asked. */
export interface Items {
  readonly processes: ProcessInfo;
  readonly running: RunningTaskInfo;
  readonly recent: EndedTaskInfo;
  readonly failures: FailureGroup;
  readonly queues: QueuePart;
  readonly task: TaskPart;
  readonly tasks: TaskPortion;
  readonly actions: ActionInfo;
  readonly locks: LockPart;
  readonly firings: TickEnd;
  readonly contract: ContractPart;
}

/** One worker's part of a queue. */
export interface QueuePart {
  readonly queue: string;
  /** The name of the worker. Absent from processes of an older version. */
  readonly worker?: string;
  /** As its worker is configured; absent where that is the server's own. */
  readonly type?: QueueType;
  readonly running: number;
  readonly waiting: number;
  readonly consuming: boolean;
  /** See `QueueInfo.lastWaitMs`. */
  readonly lastWaitMs?: number;
  readonly history: readonly QueueMinute[];
}

/** A task in a process: it runs there, a run of it has ended there, or it was put off there. */
export interface TaskPart {
  readonly uuid: string;
  readonly running?: RunningTaskInfo & { readonly log: EndedTaskInfo['log'] };
  readonly ended?: EndedTaskInfo;
  readonly putOff?: PutOff;
  /** The task whose handler has published it there. */
  readonly parent?: string;
  /** What its handler has published there. */
  readonly children?: readonly string[];
}

/** What became of a task that a schedule published: how it ended last in a process, or that it runs there. */
export interface TickEnd {
  readonly uuid: string;
  readonly state: FiringOutcome['state'];
  readonly at: number;
  readonly attempt: number;
  readonly error?: string;
}

/** One task's hold on a unique key or a place of a limit. */
export interface LockPart extends Pick<LockInfo, 'kind' | 'key' | 'limit' | 'most'> {
  readonly name: string;
  readonly uuid: string;
  /** False: it was published there, and nothing more is known. */
  readonly running: boolean;
  readonly since: number;
  readonly process: string;
  readonly host: string;
  readonly pid: number;
  readonly worker?: string;
}

/** What became of the tasks of one name in a process. */
export interface TaskPortion {
  /** Absent: of all names beyond those that it counts one by one. */
  readonly name?: string;
  readonly totals: RunTotals;
  readonly rate: number;
  readonly lastEndedAt: number;
  readonly durations: DurationCounts;
  readonly totalMs: number;
}

export interface Question<K extends Kind = Kind> {
  readonly id: string;
  /** The topic on which it is answered. */
  readonly to: string;
  readonly kind: K;
  readonly filter?: TaskFilter;
  /** Where tasks of firings are asked for: which. */
  readonly uuids?: readonly string[];
  /** Where actions are asked for. */
  readonly actions?: ActionFilter;
  /** How many items of each process at most. */
  readonly limit?: number;
  /** Where processes are asked for: what else is told in the same answer. Processes of an older version pay no heed to it. */
  readonly also?: Also;
  /** Whoever knows of `also` has told it already, and does not answer. */
  readonly unless?: 'also';
}

/** What is told along with a process, so that whoever looks again and again asks one question, and is told little more than what is new. */
export interface Also {
  /** The minutes of queues that began then, or later. Absent: all. */
  readonly since?: number;
  /** How many tasks that run, with all that is told of them. Absent: none of them, and fewer of the process itself. */
  readonly running?: number;
}

export interface AlsoTold {
  readonly queues: readonly QueuePart[];
  /** What the process runs is told here then, and not with it. */
  readonly running?: readonly RunningTaskInfo[];
}

export interface Answer<K extends Kind = Kind> {
  readonly id: string;
  /** Of whoever answers. */
  readonly process: string;
  /** It was asked too much lately, and says only that it lives. */
  readonly busy?: true;
  /** There was more than a message holds. */
  readonly cut?: true;
  readonly items: readonly Items[K][];
  readonly also?: AlsoTold;
}

export function answersTopic(asker: string): string {
  return ANSWERS + asker;
}

export function encode(message: object): Buffer {
  return Buffer.from(textOf({ v: VERSION, ...message }));
}

/** An answer within so many bytes: of its items as many as fit, the first ones. */
export function encodeAnswer({ items, also, ...rest }: Answer, mostBytes: number): Buffer {
  const head = textOf({ v: VERSION, ...rest }).slice(0, -1);
  let left = mostBytes - Buffer.byteLength(head) - ',"items":[],"also":{"queues":[],"running":[]},"cut":true}'.length;
  const listOf = (some: readonly unknown[]): string => {
    const texts: string[] = [];
    for (const item of some) {
      const text = textOf(item);
      left -= Buffer.byteLength(text) + 1;
      if (left < 0) break;
      texts.push(text);
    }
    return `[${texts.join(',')}]`;
  };
  const body = `,"items":${listOf(items)}${also === undefined ? '' : `,"also":{"queues":${listOf(also.queues)}${also.running === undefined ? '' : `,"running":${listOf(also.running)}`}}`}`;
  return Buffer.from(`${head}${body}${left < 0 ? ',"cut":true' : ''}}`);
}

/** `undefined`: it is none of ours, or of a version that is not known here. */
export function decodeQuestion(message: Buffer): Question | undefined {
  const found = message.length > MOST_QUESTION_BYTES ? undefined : decodeMessage(message);
  if (found === undefined || !areTexts(found, ['id', 'to', 'kind']) || !found.to.startsWith(ANSWERS) || !Object.hasOwn(SHAPES, found.kind)) return undefined;
  const { also } = found as Fields;
  if (also !== undefined && !isObject(also)) return undefined;
  return found as unknown as Question;
}

/** @param kindOf what was asked by the question of this id */
export function decodeAnswer(message: Buffer, kindOf: (id: string) => Kind | undefined): Answer | undefined {
  const found = decodeMessage(message);
  if (found === undefined || !areTexts(found, ['id', 'process'])) return undefined;
  const kind = kindOf(found.id);
  const { items, also } = found as Fields;
  if (kind === undefined || !isListOf(items, SHAPES[kind]) || (also !== undefined && !isAlsoTold(also))) return undefined;
  return found as unknown as Answer;
}

function isAlsoTold(also: unknown): boolean {
  return isObject(also) && isListOf(also['queues'], SHAPES.queues) && (also['running'] === undefined || isListOf(also['running'], SHAPES.running));
}

function isListOf(list: unknown, fits: (item: unknown) => boolean): boolean {
  return Array.isArray(list) && list.length <= MOST_ITEMS && list.every(fits);
}

/** Who says it. */
export function decodeFarewell(message: Buffer): string | undefined {
  const found = message.length > MOST_QUESTION_BYTES ? undefined : decodeMessage(message);
  return found !== undefined && areTexts(found, ['process']) ? found.process : undefined;
}

/** By which who does not answer, or not any more, tells the others what was done by it. Heard with the questions. */
export function encodeHandover(actions: readonly ActionInfo[]): Buffer {
  let left = MOST_HANDOVER_BYTES;
  return encode({ actions: actions.slice(0, MOST_HANDED_OVER).filter((action) => (left -= Buffer.byteLength(textOf(action))) >= 0) });
}

/** `undefined`: it is none. */
export function decodeHandover(message: Buffer): readonly ActionInfo[] | undefined {
  const { actions } = decodeMessage(message) ?? {};
  return Array.isArray(actions) && actions.length <= MOST_HANDED_OVER && actions.every(SHAPES.actions) ? actions as ActionInfo[] : undefined;
}

/** `undefined`: it is none of ours, or of another version. */
export function decodeMessage(message: Buffer): Fields | undefined {
  try {
    const text = message.toString();
    // To look at every value takes several times as long as to read them.
    const found: unknown = text.includes(BIGINT) ? JSON.parse(text, reviver) : JSON.parse(text);
    return isObject(found) && found['v'] === VERSION ? found : undefined;
  } catch {
    return undefined;
  }
}

/** JSON has no 64-bit integers. */
const BIGINT = '$bigint';

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    // It refuses a bigint, and what is told is else plain data: seldom enough to be tried first.
    return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? { [BIGINT]: String(one) } : one));
  }
}

function reviver(_key: string, value: unknown): unknown {
  if (!isObject(value)) return value;
  const digits = value[BIGINT];
  return typeof digits === 'string' && /^-?\d{1,20}$/.test(digits) && Object.keys(value).length === 1 ? BigInt(digits) : value;
}
