import { beforeEach, describe, expect, it } from 'vitest';
import { BatchWriter, type WriteOperation } from '../../../../../lib/brokers/embedded/lmdb/batch-writer.js';
import { StateCache } from '../../../../../lib/brokers/embedded/lmdb/shared-state.js';
import type { BrokerFolder, Tables } from '../../../../../lib/brokers/embedded/lmdb/tables.js';
import { BrokerUnavailableError, UnroutableTaskError, type DispatcherError } from '../../../../../lib/errors.js';
import { ManualClock } from '../manual-clock.js';

class Operation implements WriteOperation {
  readonly bytes = 10;
  readonly outcomes: string[] = [];
  constructor(private readonly again: boolean, private readonly error?: DispatcherError) {}
  apply(): void {
    if (this.error !== undefined) throw this.error;
  }
  committed(): void { this.outcomes.push('committed'); }
  failed(error: DispatcherError): boolean {
    this.outcomes.push(error.name);
    return this.again;
  }
}

describe('BatchWriter', () => {
  let clock: ManualClock;
  let full: boolean;
  let transactions: number;
  let troubles: (string | undefined)[];
  let writer: BatchWriter;

  beforeEach(() => {
    clock = new ManualClock();
    full = false;
    transactions = 0;
    troubles = [];
    const meta = { getBinary: () => undefined, put: () => undefined };
    const tables = { meta } as unknown as Tables;
    const transaction = async (run: () => unknown): Promise<unknown> => {
      transactions += 1;
      await Promise.resolve();
      const result = run();
      if (full) throw new BrokerUnavailableError('No space left on device');
      return result;
    };
    const folder = { tables, transaction, typed: (error: unknown) => error } as unknown as BrokerFolder;
    writer = new BatchWriter(folder, new StateCache(tables), clock, {
      ready: () => undefined,
      trouble: (error) => troubles.push(error?.name),
    });
  });

  it('writes what is added together in one transaction', async () => {
    const operations = Array.from({ length: 100 }, () => new Operation(false));
    for (const operation of operations) writer.add(operation);
    await writer.idle();
    expect(transactions).toBe(1);
    expect(operations.every(({ outcomes }) => outcomes.join() === 'committed')).toBe(true);
  });

  it('refuses one operation of a transaction and commits the others', async () => {
    const [good, bad] = [new Operation(false), new Operation(false, new UnroutableTaskError('no queue'))];
    for (const operation of [bad, good]) writer.add(operation);
    await writer.idle();
    expect([good.outcomes, bad.outcomes]).toEqual([['committed'], ['UnroutableTaskError']]);
  });

  it('on a full disk refuses publishes at once, keeps settlements, and says so once each way', async () => {
    full = true;
    const [publish, settlement] = [new Operation(false), new Operation(true)];
    for (const operation of [publish, settlement]) writer.add(operation);
    await writer.idle();
    const during = new Operation(false);
    writer.add(during);
    expect([publish.outcomes, settlement.outcomes, during.outcomes]).toEqual([[BrokerUnavailableError.name], [BrokerUnavailableError.name], [BrokerUnavailableError.name]]);
    expect([transactions, troubles]).toEqual([1, [BrokerUnavailableError.name]]);
    full = false;
    clock.pass(500);
    await writer.idle();
    expect(settlement.outcomes.at(-1)).toBe('committed');
    expect(troubles).toEqual([BrokerUnavailableError.name, undefined]);
  });

  it('finds out by itself that the disk takes writes again', async () => {
    full = true;
    writer.add(new Operation(false));
    await writer.idle();
    clock.pass(500);
    await writer.idle();
    expect(troubles.length).toBe(1);
    full = false;
    clock.pass(500);
    await writer.idle();
    expect([troubles.length, transactions, clock.pending]).toEqual([2, 3, 0]);
  });

  it('settles after it was stopped, and leaves no timer', async () => {
    full = true;
    writer.add(new Operation(true));
    await writer.idle();
    await writer.stop();
    expect(clock.pending).toBe(0);
    writer.add(new Operation(true));
    await writer.idle();
    expect([transactions, clock.pending]).toEqual([1, 0]);
  });
});
