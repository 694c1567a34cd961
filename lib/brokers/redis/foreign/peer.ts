import type { Message } from '../../broker.js';
import type { StoredMessage } from '../message-record.js';

/**
 * How another system keeps its tasks in Redis: which keys a queue has, and how a message looks in them. Pure: what is done
 * with the keys, `scripts.ts` does, the same way for all.
 */
export interface Peer {
  /** The format of the queues that are kept so. */
  readonly format: string;
  /** It has a place for what is dead, which then stands for the queue of dead letters. Else that is one of our own. */
  readonly hasDead: boolean;
  /** From where its messages are taken, in this order. */
  lines(place: Place): readonly Line[];
  /**
   * Where a message goes, and what it looks like there.
   *
   * @throws Error for what this system cannot read
   */
  put(message: Message, place: Place, isDelayed: boolean, nowMs: number): Put;
  /** @throws Error for what this system does not write: it is handed on as it is, and becomes a dead letter */
  read(element: Buffer, place: Place): Message;
  /** What waits there until it is due, for whatever queue. */
  timed(place: Place): readonly TimedSet[];
  /**
   * The keys of which a job may hold one so that there is no other like it, which go when it begins to run; what is kept
   * there may be the job as it is to run now. Default: there are none. @throws Error for what is no job
   */
  uniqueKeys?(element: Buffer, place: Place): readonly string[];
  /** How it is told who works. Default: it is not. */
  readonly presence?: PeerPresence;
}

/** As the workers of that system say that they are there, what they do, and what they have done. */
export interface PeerPresence {
  /** Places with the same one are told of together. */
  scopeOf(place: Place): string;
  /** Every few seconds. */
  beat(worker: WorkerNow): readonly Command[];
  farewell(worker: WorkerNow): readonly Command[];
}

/** A command of Redis. */
export type Command = readonly [name: string, ...args: string[]];

/** What this process does in one scope. */
export interface WorkerNow {
  readonly scope: string;
  /** Names this process, the same for as long as it lives. */
  readonly id: string;
  readonly queues: readonly string[];
  /** Of the tasks that have a handler here. */
  readonly names: readonly string[];
  readonly concurrency: number;
  readonly nowMs: number;
  readonly startedMs: number;
  readonly held: readonly { readonly queue: string; readonly element: Buffer; readonly since: number }[];
  /** Since the last beat. */
  readonly processed: number;
  readonly failed: number;
}

/** A queue of another system, as we call it. */
export interface Place {
  readonly queue: string;
  /** It is the place for what is dead of that queue. */
  readonly isDead: boolean;
}

export type End = 'L' | 'R';

/**
 * `G`: the lists of a namespace of gocraft/work, one for each name that is worked, with its locks and lists of what is in
 * progress. `Z`: a sorted set, of which what is said to be of this queue is taken, by the member of that name; and all
 * where none is named.
 */
export type Line =
  | { readonly from: End | 'G'; readonly key: string }
  | { readonly from: 'Z'; readonly key: string; readonly member?: string; readonly value?: string };

/** What a score counts: seconds with a fraction, whole seconds, or nanoseconds. */
export type ScoreUnit = 's' | 'i' | 'n';

/** `L`, `R`: to the end of a list; `Z`: into a sorted set, by when it is due; `D`: that system has no delays, so that it waits with us, and then goes to the end of the list that `end` names. */
export interface Put {
  readonly to: End | 'Z' | 'D';
  readonly key: string;
  readonly end?: End;
  readonly unit?: ScoreUnit;
  readonly element: string | Buffer;
  /** A set where the queue is to be known. */
  readonly known?: { readonly key: string; readonly member: string };
}

export interface TimedSet {
  readonly key: string;
  readonly unit: ScoreUnit;
  /** Where one goes that is due; `undefined`: nobody can know, and it stays. */
  due(element: Buffer, nowMs: number): Put | undefined;
}

/** As it came, where it cannot be read. */
export function readBy(peer: Peer, element: Buffer, place: Place): StoredMessage {
  const where = { exchange: '', routingKey: place.queue };
  try {
    return { ...peer.read(element, place), ...where };
  } catch {
    return { body: element, properties: {}, ...where };
  }
}
