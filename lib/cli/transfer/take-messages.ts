import type { Broker } from '../../brokers/broker.js';
import { type MovedMessage, movedMessage } from './message-line.js';

/** Where messages go. Resolves when it is certain; false: it was there already. Rejects where it is not. */
export type Receive = (message: MovedMessage) => Promise<boolean>;

export interface Taken {
  /** Given to {@link Receive}, and certain there. */
  moved: number;
  /** Those that it had already. */
  known: number;
  /** There are more than can be looked through without removing them. */
  truncated: boolean;
}

/** How many may be on their way to the other side at a time. */
const WINDOW = 500;

/**
 * Moves what waits in a queue: each is certain at the other side before it is removed here. Whatever dies, and whenever,
 * nothing is lost; what was certain there and not removed yet is in both places.
 *
 * @param signal its abort ends it with what was moved by then
 */
export async function moveMessages(broker: Broker, queue: string, receive: Receive, signal: AbortSignal, onMoved: () => void): Promise<Taken> {
  const taken: Taken = { moved: 0, known: 0, truncated: false };
  await broker.purge(queue, async (message) => {
    signal.throwIfAborted();
    if (await receive(movedMessage(message, queue))) taken.moved++;
    else taken.known++;
    onMoved();
  });
  return taken;
}

/** Copies what waits in a queue, which stays as it is. */
export async function copyMessages(broker: Broker, queue: string, receive: Receive, signal: AbortSignal, onMoved: () => void): Promise<Taken> {
  const taken: Taken = { moved: 0, known: 0, truncated: false };
  const window = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const start = (message: MovedMessage): void => {
    const work = receive(message).then((isNew) => {
      if (isNew) taken.moved++;
      else taken.known++;
      onMoved();
    }, (error: unknown) => { failure ??= { error }; }).finally(() => window.delete(work));
    window.add(work);
  };
  const { end } = await broker.browse(queue, async (message) => {
    if (failure !== undefined || signal.aborted) return 'stop';
    if (window.size >= WINDOW) await Promise.race(window);
    start(movedMessage(message, queue));
    return 'keep';
  });
  await Promise.all(window);
  if (failure !== undefined) throw failure.error;
  signal.throwIfAborted();
  return { ...taken, truncated: end === 'limit' };
}
