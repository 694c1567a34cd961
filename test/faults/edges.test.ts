import { expect, it } from 'vitest';
import type { TaskInput } from '../../lib/index.js';
import { Ledger } from '../support/ledger.js';
import { onTestFinished } from '../support/test-end.js';
import { FaultApp } from './apps/fault-app.js';
import { onBothBrokers } from './apps/on-both-brokers.js';
import { plan } from './apps/plan.js';

const KEYS = ['a', 'b', 'c'];
const ROUNDS = Number(process.env['DISPATCHER_TEST_EDGE_ROUNDS'] ?? 3);
const PER_ROUND = 40;

/** What was published last of a key, and answered; and with which numbers it ran. */
interface Account { confirmed: number; readonly ran: number[] }

onBothBrokers('tasks that share a window while publishers and workers are killed', (brokerUrl) => {
  it.each([
    ['debounce', { debounce: { waitSeconds: 0.4, maxWaitSeconds: 1, by: '1' } }], ['throttle', { throttle: { windowSeconds: 0.3, by: '1' } }],
  ] satisfies [string, Partial<TaskInput>][])('run with what was accepted last: %s', async (title, edge) => {
    const { publisher, worker } = plan(brokerUrl(), `edges-${title}`);
    const accounts = new Map(KEYS.map((key): [string, Account] => [key, { confirmed: -1, ran: [] }]));
    const account = (key: unknown): Account => accounts.get(key as string) as Account;
    const ledger = new Ledger();
    const start = async (name: string): Promise<FaultApp> => {
      const app = await FaultApp.start(name === 'publisher' ? publisher : worker(name), ledger, { keepBooked: true });
      onTestFinished(() => app.kill9());
      app.onStarted = ({ args: [, key, number] }) => void account(key).ran.push(number as number);
      return app;
    };
    let next = 0;
    /** As fast as it can, key by key; until it is killed. */
    const publishes = async (app: FaultApp, key: string): Promise<void> => {
      for (let count = 0; count < PER_ROUND; count++) {
        const number = next++;
        const task = { name: 'work', uuid: `${title}-${number}`, args: [{ type: 'int', value: 5 }, { type: 'string', value: key }, { type: 'int', value: number }], ...edge } satisfies TaskInput;
        if ((await app.publish(task, 3_000)).kind === 'accepted') account(key).confirmed = number;
      }
    };
    let workers = await Promise.all(['w1', 'w2'].map(start));
    for (let round = 0; round < ROUNDS; round++) {
      const app = await start('publisher');
      const publishing = Promise.all(KEYS.map((key) => publishes(app, key).catch(() => undefined)));
      await new Promise((resolve) => void setTimeout(resolve, 300 + 150 * round));
      await Promise.all([app.kill9(), ...round % 2 === 0 ? [workers[0]?.kill9()] : []]);
      workers = [await start(`again-${round}`), ...workers.slice(1)];
      await publishing;
    }
    const isDone = (): boolean => [...accounts.values()].every(({ confirmed, ran }) => ran.some((number) => number >= confirmed));
    await ledger.until(isDone, 60_000, `a run with what was accepted last: ${JSON.stringify([...accounts])}`);
    expect([...accounts.values()].every(({ confirmed }) => confirmed >= 0)).toBe(true);
    const ran = [...accounts.values()].flatMap((one) => one.ran);
    expect(ran.length).toBeGreaterThan(KEYS.length);
    expect(ran.length).toBeLessThan(next / 2);
  });
});
