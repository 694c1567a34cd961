/** How many handlers workers of a name run at once, each of them, in every process of the exchange. @publicApi */
export interface WorkerLimit {
  /** The name of the workers. */
  readonly worker: string;
  readonly limit: number;
  /** Who has set it. */
  readonly by: string;
  /** Why. Absent where nobody said so. */
  readonly reason?: string;
  readonly since: Date;
}

export function encodeWorkerLimit({ since, ...limit }: WorkerLimit): Buffer {
  return Buffer.from(JSON.stringify({ ...limit, since: since.toISOString() }));
}

/** `undefined` for what is no note of a limit: somebody else's, or a newer version's. */
export function decodeWorkerLimit(body: Buffer): WorkerLimit | undefined {
  try {
    const { worker, limit, by, reason, since } = JSON.parse(body.toString()) as Record<string, unknown>;
    if (typeof worker !== 'string' || typeof by !== 'string' || !(reason === undefined || typeof reason === 'string')) return undefined;
    if (!(Number.isSafeInteger(limit) && (limit as number) >= 1)) return undefined;
    return { worker, limit: limit as number, by, ...(reason === undefined ? {} : { reason }), since: new Date(String(since)) };
  } catch {
    return undefined;
  }
}
