/** A queue `ns:it` is the queue `it` in the namespace `ns`. */
export interface SidekiqName {
  readonly prefix: string;
  readonly queue: string;
}

export function sidekiqName(queue: string): SidekiqName {
  const at = queue.lastIndexOf(':') + 1;
  return { prefix: queue.slice(0, at), queue: queue.slice(at) };
}
