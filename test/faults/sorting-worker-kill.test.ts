import { afterAll, beforeAll, expect, it } from 'vitest';
import { Ledger } from '../support/ledger.js';
import { WEIGHT_VARIABLE } from './apps/ledger-tasks.js';
import { onBothBrokers } from './apps/on-both-brokers.js';
import { plan } from './apps/plan.js';
import { startApp } from './apps/start-app.js';

// The processes inherit it: their tasks have weights, so that their workers sort.
beforeAll(() => { process.env[WEIGHT_VARIABLE] = '5'; });
afterAll(() => { Reflect.deleteProperty(process.env, WEIGHT_VARIABLE); });

onBothBrokers('kill -9 of a worker that sorts', (brokerUrl, kind) => {
  it('costs no accepted task, again and again', async () => {
    const ledger = new Ledger();
    const { publisher, worker, deadLetterReader } = plan(brokerUrl(), 'sorter-kill');
    const publishing = await startApp(publisher, ledger);
    await startApp(deadLetterReader, ledger);
    const workers = await Promise.all([startApp(worker('a'), ledger), startApp(worker('b'), ledger)]);
    for (let round = 1; round <= 3; round++) {
      // While the queue is being sorted, for the most part: few have run by then.
      const target = ledger.finished.size + 100;
      const burst = publishing.burst({ prefix: `round-${round}`, count: 1_000, window: 500, workMs: 10, failEvery: 50 });
      await ledger.until(() => ledger.finished.size >= target, 60_000, `${target} tasks to be finished`);
      await workers.shift()?.kill9();
      workers.push(await startApp(worker(`replacement-${round}`), ledger));
      await burst;
    }
    await ledger.settled(60_000);
    console.log(`[ledger] ${kind}, 3 sorting workers killed: ${ledger.toString()}, ran twice ${ledger.duplicates().length}`);
    expect({ lost: ledger.lost(), invented: ledger.invented(), accepted: ledger.accepted.size }).toEqual({ lost: [], invented: [], accepted: 3_000 });
    expect([...new Set(ledger.dead.values())]).toEqual(['failed']);
  });
});
