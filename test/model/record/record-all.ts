import { startRabbitMq } from '../../support/rabbitmq.js';
import type { Trace } from '../traces/follow.js';
import { recordBusyRun } from './busy-run.js';
import { recordChordRun } from './chord-run.js';
import { recordUniqueRun } from './unique-run.js';

const RUNS: Readonly<Record<string, (url: string) => Promise<Trace[]>>> = { Settle: recordBusyRun, Chord: recordChordRun, Unique: recordUniqueRun };

/** Real runs on a RabbitMQ of their own, one after the other: the traces of each protocol, by its name. */
export async function recordAll(names: readonly string[]): Promise<ReadonlyMap<string, readonly Trace[]>> {
  const recorded = new Map<string, Trace[]>();
  const node = await startRabbitMq();
  try {
    for (const [name, record] of Object.entries(RUNS)) if (names.includes(name)) recorded.set(name, await record(node.url));
    return recorded;
  } finally {
    await node.stop();
  }
}
