const ENDING = '.dead';

/** Every work queue has one queue of dead letters beside it, found by this name. */
export function deadLetterQueueOf(queue: string): string {
  return `${queue}${ENDING}`;
}

/** By its name it is the queue of dead letters of another. */
export function isDeadLetterQueue(queue: string): boolean {
  return queue.endsWith(ENDING) && queue.length > ENDING.length;
}
