import { expect, it } from 'vitest';
import type { TaskInput } from '../../lib/index.js';
import { Ledger } from '../support/ledger.js';
import { onTestFinished } from '../support/test-end.js';
import { FaultApp } from './apps/fault-app.js';
import { onBothBrokers } from './apps/on-both-brokers.js';
import { plan } from './apps/plan.js';

/** `DISPATCHER_TEST_ORDER=100x1000` for as many keys and tasks of each. */
const [KEYS = 6, PER_KEY = 60] = (process.env['DISPATCHER_TEST_ORDER'] ?? '').split('x').filter((text) => text !== '').map(Number);
/** A server that was killed may not say that a delivery came back: whoever has it then waits until a claim is surely a dead one's, for `takeoverSeconds` and a minute. */
const LIMIT_MS = 180_000 + KEYS * PER_KEY * 30;
/** The server too, which takes minutes where its kill makes somebody wait until a claim is surely a dead one's. */
const WITH_SERVER = process.env['DISPATCHER_FAULTS'] === 'full';
const BETWEEN_KILLS_MS = 900;

interface Start { readonly number: number; readonly at: number }

onBothBrokers('ordered tasks while publishers and workers are killed, and the server where that is asked for', (brokerUrl, _kind, killServer) => {
  it(`${KEYS} keys of ${PER_KEY} tasks, of which some fail at first: none is lost, none starts after a later one of its key`, { timeout: LIMIT_MS + 60_000 }, async () => {
    const { publisher, worker } = plan(brokerUrl(), 'order', { ledger: { maxEntries: 500_000, maxBytes: 256 * 1024 * 1024 } });
    const ledger = new Ledger();
    const starts = new Map<string, Start[]>();
    const start = async (name: string): Promise<FaultApp> => {
      const app = await FaultApp.start(name === 'publisher' ? publisher : worker(name, 50), ledger, { keepBooked: name === 'publisher' });
      onTestFinished(() => app.kill9());
      app.onStarted = ({ args: [, key, number, at] }) => starts.set(key as string, [...starts.get(key as string) ?? [], { number: number as number, at: at as number }]);
      return app;
    };
    const task = (key: string, number: number): TaskInput & { uuid: string } => ({
      name: 'stumbles', uuid: `${key}-${number}`, args: [{ type: 'int', value: 2 }, { type: 'string', value: key }, { type: 'int', value: number }], retry: { attempts: 3, delaySeconds: 0.05 }, order: { by: '1' },
    });
    let app = await start('publisher');
    /** One after the other; where its process dies, what was not answered is left out. */
    const publishes = async (key: string): Promise<void> => {
      for (let number = 1; number <= PER_KEY; number++) await app.publish(task(key, number), 3_000).catch(() => undefined);
    };
    const workers = await Promise.all(['w1', 'w2'].map(start));
    let isOver = false;
    let acceptedAtKill = 0;
    const killing = (async () => {
      for (let kills = 0; !isOver; kills++) {
        if (kills === 0) await ledger.until(() => ledger.accepted.size >= KEYS, LIMIT_MS, 'some to be accepted');
        else await new Promise((resolve) => void setTimeout(resolve, BETWEEN_KILLS_MS));
        if (isOver) return;
        if (kills === 0) acceptedAtKill = ledger.accepted.size;
        await workers[kills % 2]?.kill9();
        workers[kills % 2] = await start(`again-${kills}`);
        if (kills === 0 && WITH_SERVER) await killServer?.();
        if (kills !== 1) continue;
        await app.kill9();
        app = await start('publisher');
      }
    })();
    try {
      await Promise.all(Array.from({ length: KEYS }, (_, key) => publishes(`k${key}`)));
      await ledger.settled(LIMIT_MS);
    } finally {
      isOver = true;
      await killing;
    }
    const acceptedAtEnd = ledger.accepted.size;
    const inverted = [...starts].flatMap(([key, all]) => {
      const inOrder = [...all].sort((a, b) => a.at - b.at || a.number - b.number);
      return inOrder.filter(({ number }, index) => inOrder.slice(0, index).some((earlier) => earlier.number > number)).map(({ number }) => `${key}-${number}`);
    });
    expect(inverted).toEqual([]);
    expect(ledger.lost()).toEqual([]);
    // It was killed in the midst of it.
    expect(acceptedAtKill).toBeGreaterThan(0);
    expect(acceptedAtEnd).toBeGreaterThan(acceptedAtKill);
    expect(ledger.accepted.size).toBeGreaterThan(KEYS * PER_KEY / 2);
  });
});
