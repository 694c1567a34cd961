import { expect, it } from 'vitest';
import { Ledger } from '../support/ledger.js';
import { onBothBrokers } from './apps/on-both-brokers.js';
import { plan } from './apps/plan.js';
import { startApp } from './apps/start-app.js';
import { pause } from '../support/wait.js';

const TASKS = 10_000;
/** What the process itself may take beside the dispatcher's own limit, on a busy machine. */
const PROCESS_MARGIN_MS = 15_000;

onBothBrokers('SIGTERM to a worker process', (brokerUrl, kind) => {
  it(`half-way through ${TASKS} tasks runs each of them once, and charges none for what it gave back`, async () => {
    const ledger = new Ledger();
    const { publisher, worker } = plan(brokerUrl(), 'worker-stop', { shutdownTimeoutSeconds: 10 });
    const publishing = await startApp(publisher, ledger);
    const first = await startApp(worker('first'), ledger);
    const burst = publishing.burst({ prefix: 'task', count: TASKS, window: 1_000, workMs: 2 });
    await ledger.until(() => ledger.finished.size >= TASKS / 2, 90_000, 'half of the tasks to be finished');
    first.terminate();
    expect(await first.exited(10_000 + PROCESS_MARGIN_MS)).toEqual({ code: 0, signal: null });
    // All that was started has ended: an orderly stop interrupts nothing.
    expect(ledger.started.size).toBe(ledger.finished.size);
    expect(ledger.finished.size).toBeLessThan(TASKS);
    const second = await startApp(worker('second'), ledger);
    await burst;
    await ledger.settled(90_000);
    console.log(`[ledger] ${kind}, SIGTERM half-way: ${ledger.toString()}, ran twice ${ledger.duplicates().length}`);
    expect({ lost: ledger.lost(), invented: ledger.invented(), twice: ledger.duplicates(), finished: ledger.finished.size })
      .toEqual({ lost: [], invented: [], twice: [], finished: TASKS });
    expect([...new Set([...first.attempts.keys(), ...second.attempts.keys()])]).toEqual([1]);
  });

  it('ends in time although a task overruns the deadline, and another worker runs that task to its end', async () => {
    const ledger = new Ledger();
    const { publisher, worker } = plan(brokerUrl(), 'overrun', { shutdownTimeoutSeconds: 2 });
    const publishing = await startApp(publisher, ledger, { keepBooked: true });
    const first = await startApp(worker('first', 3), ledger, { keepBooked: true });
    await Promise.all(['hold', 'hold_politely'].map((name) => publishing.publish({ uuid: name, name })));
    await Promise.all(['hold', 'hold_politely'].map((uuid) => first.entry(uuid, ['started'])));
    first.terminate();
    expect(await first.exited(2_000 + PROCESS_MARGIN_MS)).toEqual({ code: 0, signal: null });
    await first.logged(/"hold" \(hold\) of worker "first" did not end before the shutdown; another worker runs it again/);
    expect(ledger.finished.size).toBe(0);
    const second = await startApp(worker('second', 3), ledger, { keepBooked: true });
    const again = await Promise.all(['hold', 'hold_politely'].map((uuid) => second.entry(uuid, ['started'])));
    expect(again.map((entry) => 'attempt' in entry && [entry.attempt, entry.redelivered])).toEqual([[1, true], [1, true]]);
    second.tell({ do: 'release' });
    await ledger.settled(20_000);
    console.log(`[ledger] ${kind}, tasks beyond the deadline of the shutdown: ${ledger.toString()}`);
    expect({ lost: ledger.lost(), invented: ledger.invented(), twice: ledger.duplicates() }).toEqual({ lost: [], invented: [], twice: [] });
  });

  it('says for what it waits, and at a second signal gives it back at once', async () => {
    const ledger = new Ledger();
    const { publisher, worker } = plan(brokerUrl(), 'second-signal', { shutdownTimeoutSeconds: 3_600 });
    const publishing = await startApp(publisher, ledger, { keepBooked: true });
    const first = await startApp(worker('first', 3), ledger, { keepBooked: true });
    await Promise.all(['hold', 'hold_politely'].map((name) => publishing.publish({ uuid: name, name })));
    await Promise.all(['hold', 'hold_politely'].map((uuid) => first.entry(uuid, ['started'])));
    first.terminate();
    // A terminal and npm may both send the first one.
    first.terminate();
    await first.logged(/"first" is closing, and waits for 2 running tasks \(.*hold_politely hold_politely.*\), until 20.*Z at the latest/);
    await pause(1_100);
    first.terminate();
    expect(await first.exited(PROCESS_MARGIN_MS)).toEqual({ code: 0, signal: null });
    await first.logged(/"first" waits no longer, because SIGTERM came again: 2 running tasks \(.*\) are aborted and given back/);
    const second = await startApp(worker('second', 3), ledger, { keepBooked: true });
    const again = await Promise.all(['hold', 'hold_politely'].map((uuid) => second.entry(uuid, ['started'])));
    expect(again.map((entry) => 'attempt' in entry && [entry.attempt, entry.redelivered])).toEqual([[1, true], [1, true]]);
    second.tell({ do: 'release' });
    await ledger.settled(20_000);
    console.log(`[ledger] ${kind}, a second signal: ${ledger.toString()}`);
    expect({ lost: ledger.lost(), invented: ledger.invented(), twice: ledger.duplicates() }).toEqual({ lost: [], invented: [], twice: [] });
  });
});
