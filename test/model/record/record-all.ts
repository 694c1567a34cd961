import { startRabbitMq } from '../../support/rabbitmq.js';
import type { Trace } from '../traces/follow.js';
import { recordBusyRun } from './busy-run.js';
import { recordChordRun } from './chord-run.js';
import { recordLeaseRun } from './lease-run.js';
import { recordUniqueRun } from './unique-run.js';

type Traces = Readonly<Record<string, readonly Trace[]>>;

interface Run { readonly gives: readonly string[]; record(url: string): Promise<Traces> }

const RUNS: readonly Run[] = [
  { gives: ['Settle'], record: async (url) => ({ Settle: await recordBusyRun(url) }) },
  { gives: ['Chord'], record: async (url) => ({ Chord: await recordChordRun(url) }) },
  { gives: ['Lease'], record: async (url) => ({ Lease: await recordLeaseRun(url) }) },
  { gives: ['Unique', 'Ledger'], record: async (url) => ({ ...await recordUniqueRun(url) }) },
];

/** Real runs on a RabbitMQ of their own, one after the other: the traces of each protocol, by its name. */
export async function recordAll(names: readonly string[]): Promise<Traces> {
  const recorded: Record<string, readonly Trace[]> = {};
  const node = await startRabbitMq();
  try {
    for (const { gives, record } of RUNS) if (gives.some((name) => names.includes(name))) Object.assign(recorded, await record(node.url));
    return recorded;
  } finally {
    await node.stop();
  }
}
