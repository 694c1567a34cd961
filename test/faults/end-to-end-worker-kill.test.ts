import { expect, it } from 'vitest';
import { Ledger } from '../support/ledger.js';
import { onBothBrokers } from './apps/on-both-brokers.js';
import { plan } from './apps/plan.js';
import { startApp } from './apps/start-app.js';

onBothBrokers('kill -9 of a process under load', (brokerUrl, kind) => {
  it('costs no accepted task when it is a worker, again and again', async () => {
    const ledger = new Ledger();
    const { publisher, worker, deadLetterReader } = plan(brokerUrl(), 'worker-kill');
    const publishing = await startApp(publisher, ledger);
    await startApp(deadLetterReader, ledger);
    const workers = await Promise.all([startApp(worker('a'), ledger), startApp(worker('b'), ledger)]);
    for (let round = 1; round <= 4; round++) {
      const target = ledger.finished.size + 200;
      const burst = publishing.burst({ prefix: `round-${round}`, count: 1_000, window: 500, workMs: 30, failEvery: 50 });
      await ledger.until(() => ledger.finished.size >= target, 60_000, `${target} tasks to be finished`);
      await workers.shift()?.kill9();
      workers.push(await startApp(worker(`replacement-${round}`), ledger));
      await burst;
    }
    await ledger.settled(60_000);
    console.log(`[ledger] ${kind}, 4 workers killed: ${ledger.toString()}, ran twice ${ledger.duplicates().length}`);
    expect({ lost: ledger.lost(), invented: ledger.invented(), accepted: ledger.accepted.size }).toEqual({ lost: [], invented: [], accepted: 4_000 });
    expect([...new Set(ledger.dead.values())]).toEqual(['failed']);
  });

  it('costs no accepted task when it is the publisher', async () => {
    const ledger = new Ledger();
    const { publisher, worker } = plan(brokerUrl(), 'publisher-kill');
    await startApp(worker('worker'), ledger);
    const publishing = await startApp(publisher, ledger);
    publishing.tell({ do: 'burst', burst: { prefix: 'task', count: 50_000, window: 500, workMs: 1 } });
    await ledger.until(() => ledger.accepted.size >= 1_500, 60_000, '1,500 accepted tasks');
    await publishing.kill9();
    await ledger.settled(60_000);
    console.log(`[ledger] ${kind}, publisher killed: ${ledger.toString()}`);
    expect(ledger.lost()).toEqual([]);
    // It had no time to say that the last ones were accepted; more than it had under way there cannot be.
    expect(ledger.invented().length).toBeLessThanOrEqual(500);
  });
});
