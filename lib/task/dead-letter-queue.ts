/** Every work queue has one queue of dead letters beside it, found by this name. */
export function deadLetterQueueOf(queue: string): string {
  return `${queue}.dead`;
}
