import { ConfigurationError } from '../../errors.js';

/** How much the ledger holds: in the memory of the process that keeps it, and in its queue. @publicApi */
export interface LedgerOptions {
  /** Bytes of all entries, with some 400 for each beside its own. More is refused. Default: 64 MiB. */
  maxBytes?: number;
  /** Values and members together. Default: 200,000. */
  maxEntries?: number;
  /** How old the record of an entry may become before it is written anew, in milliseconds. Less than RabbitMQ's `consumer_timeout` (30 minutes). Default: 600,000. */
  refreshMs?: number;
}

export const DEFAULT_LEDGER_OPTIONS: Required<LedgerOptions> = { maxBytes: 64 * 1024 * 1024, maxEntries: 200_000, refreshMs: 600_000 };

/** With its defaults. @throws ConfigurationError */
export function checkLedgerOptions(options: LedgerOptions = {}): Required<LedgerOptions> {
  if (typeof options !== 'object' || options === null) throw new ConfigurationError('ledger must be an object such as { maxBytes: 67108864 }.', { option: 'ledger' });
  const complete = { ...DEFAULT_LEDGER_OPTIONS };
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (!Object.hasOwn(DEFAULT_LEDGER_OPTIONS, name)) {
      throw new ConfigurationError(`ledger.${name} is unknown; expected one of ${Object.keys(DEFAULT_LEDGER_OPTIONS).join(', ')}.`, { option: `ledger.${name}` });
    }
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || (value as number) < 1) throw new ConfigurationError(`ledger.${name} must be a whole number of at least 1; found ${JSON.stringify(value)}.`, { option: `ledger.${name}` });
    complete[name as keyof LedgerOptions] = value as number;
  }
  return complete;
}
