/** Arguments of a queue: they can never change once it exists. */
export type QueueArguments = Readonly<Record<string, string | number | boolean>>;

/** Named in every declaration: what a server takes where none is named is a setting of its virtual host. */
export const CLASSIC = { 'x-queue-type': 'classic' } as const;
export const QUORUM = { 'x-queue-type': 'quorum' } as const;

/** Where the server puts what it removes by itself from the queues that only we use. Every process consumes it. */
export function returnsQueueOf(exchange: string): string {
  return `${exchange}.delay.v2.due`;
}

/** The exchange whose {@link returnsQueueOf} this is; `undefined` for any other queue. */
export function exchangeOfReturns(queue: string): string | undefined {
  const ending = returnsQueueOf('');
  return queue.endsWith(ending) && queue.length > ending.length ? queue.slice(0, -ending.length) : undefined;
}

export function ledgerRecordsOf(exchange: string): string {
  return `${exchange}.ledger.v1`;
}

export function ledgerRequestsOf(exchange: string): string {
  return `${exchange}.ledger.requests.v1`;
}

/**
 * What keeps a policy from removing anything in silence from a queue that only we use: nobody can ask for the
 * policies of a server, but these arguments win over them. A full queue refuses instead of dropping, and what
 * expires, or comes back too often, goes to the queue `target`.
 */
export function guardedBy(target: string): QueueArguments {
  return { 'x-overflow': 'reject-publish', 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': target };
}

/** Of a queue that only we use: as it is made; as version 0.1.0 made it; and as that made it where the server's default type is another. */
export function ownForms(target: string): readonly QueueArguments[] {
  return [{ ...CLASSIC, ...guardedBy(target) }, CLASSIC, QUORUM];
}

/**
 * Declares a queue in the first of these forms that the server takes; the others are those in which it may exist
 * already. What is refused closes its channel: `declare` has to use one of its own each time.
 *
 * @returns the form that it has
 * @throws what the server said to the first form, where none is taken
 */
export async function declareInOneOf(forms: readonly QueueArguments[], declare: (form: QueueArguments) => Promise<unknown>): Promise<QueueArguments> {
  let first: unknown;
  for (const form of forms) {
    try {
      await declare(form);
      return form;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      first ??= error;
    }
  }
  throw first as Error;
}

/** It exists otherwise (406); or a right is missing (403) that a form asks for and the next one may not: that to read it, for one. */
function isRefusal(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  return [code, cause?.code].some((one) => one === 406 || one === 403);
}
