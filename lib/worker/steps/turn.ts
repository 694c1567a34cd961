import { countHeader, Header } from '../../task/headers.js';
import type { TaskHeaders } from '../../task/task.js';
import type { StepsRecord, Turn } from './steps-record.js';

/** What says which turn a delivery is of. */
export interface TurnSource {
  readonly headers: Readonly<TaskHeaders>;
  readonly attempt: number;
}

/** A header can hold anything: what is no turn is the first. */
export function turnOf({ headers, attempt }: TurnSource): Turn {
  const text = headers[Header.steps];
  const [wake = '', copy = ''] = typeof text === 'string' ? text.split(' ') : [];
  const number = Number(wake);
  return { replays: countHeader(headers, Header.replays, 0), wake: Number.isSafeInteger(number) && number > 0 ? number : 0, attempt, copy, origin: originIn(headers) };
}

function originIn({ [Header.published]: at }: Readonly<TaskHeaders>): string {
  return typeof at === 'number' ? String(at) : '';
}

export function stepsHeader({ wake, copy }: Pick<Turn, 'wake' | 'copy'>): string {
  return copy === '' ? String(wake) : `${wake} ${copy}`;
}

/** The turn in which a task goes on that has waited in this one. */
export function turnAfter(turn: Turn, copy: string): Turn {
  return { ...turn, wake: turn.wake + 1, copy };
}

/** Below 0: the first is of less. Copies of one wake are equals. */
function compared(one: Turn, other: Turn): number {
  return one.replays - other.replays || one.wake - other.wake || one.attempt - other.attempt;
}

/** What is seen of a record by whoever wants to run the task. */
export interface RecordView {
  /** The broker may have delivered this before. */
  readonly redelivered: boolean;
  /** The process of whoever is said to run it lives, and does. */
  readonly ownerLives: boolean;
  readonly uuid: string;
}

export type TurnVerdict =
  /** It goes on where it was. */
  | 'take'
  /** Nothing is known of it, or of another that had its uuid: from the beginning. */
  | 'begin'
  /** Somebody else runs it. */
  | 'wait'
  /** It has ended, or goes on by another copy. */
  | 'drop'
  /** It has waited, and nothing is known of it any more. */
  | 'lost';

/** Whether a delivery may run, in the face of what is recorded of its task. */
export function judgeTurn(turn: Turn, record: StepsRecord | undefined, view: RecordView): TurnVerdict {
  if (record === undefined) return turn.wake > 0 ? 'lost' : 'begin';
  if (record.state === 'unseen') return 'take';
  // A dead letter stands for what failed: who comes once more was to be acknowledged.
  if (record.state === 'failed') return turn.replays > record.turn.replays || isAnother(turn, record.turn, view) ? 'take' : 'drop';
  const order = compared(turn, record.turn);
  if (record.state === 'ended') return turn.replays > record.turn.replays || isAnother(turn, record.turn, view) ? 'begin' : 'drop';
  if (order < 0) return 'drop';
  if (view.ownerLives) return 'wait';
  return order === 0 && turn.copy !== record.turn.copy ? 'drop' : 'take';
}

/** Version 4 or 7, which nobody makes twice. */
const OF_CHANCE = /^[\da-f]{8}-[\da-f]{4}-[47][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i;

/**
 * What has ended, and is published under its uuid once more, is another task. That the broker does not call it redelivered says
 * little: RabbitMQ, when it is killed, forgets acknowledgements of the last moments and that it has delivered what it brings again.
 */
function isAnother({ wake, attempt, origin }: Turn, before: Turn, { redelivered, uuid }: RecordView): boolean {
  if (wake !== 0 || attempt !== 1 || redelivered) return false;
  if (origin !== '' || before.origin !== '') return origin !== before.origin;
  return !OF_CHANCE.test(uuid);
}
