/** How much the ledger holds: in the memory of the process that keeps it, and in its queue. */
export interface LedgerOptions {
  /** Bytes of all entries, with some 400 for each beside its own. More is refused. Default: 64 MiB. */
  maxBytes?: number;
  /** Values and members together. Default: 200,000. */
  maxEntries?: number;
  /** How old the record of an entry may become before it is written anew, in milliseconds. Less than RabbitMQ's `consumer_timeout` (30 minutes). Default: 600,000. */
  refreshMs?: number;
}

export const DEFAULT_LEDGER_OPTIONS: Required<LedgerOptions> = { maxBytes: 64 * 1024 * 1024, maxEntries: 200_000, refreshMs: 600_000 };
