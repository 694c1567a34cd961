import { expect, it } from 'vitest';
import { Ledger } from '../support/ledger.js';
import { ARRIVING } from './apps/arriving.js';
import type { FaultApp } from './apps/fault-app.js';
import { onBothBrokers } from './apps/on-both-brokers.js';
import { plan } from './apps/plan.js';
import { rawAccess, type RawMessage } from './apps/raw-sender.js';
import { REFUSED_TASKS } from './apps/refused-tasks.js';
import { startApp } from './apps/start-app.js';

const CASE = 'x-case';

onBothBrokers('bad input', (brokerUrl, kind) => {
  async function start(purpose: string): Promise<{ app: FaultApp; queue: string; ledger: Ledger }> {
    const ledger = new Ledger();
    const { worker, queue } = plan(brokerUrl(), purpose);
    const config = worker('worker', 1);
    const app = await startApp({ ...config, workers: [{ ...config.workers![0]!, unknownTaskGraceSeconds: 0.3 }] }, ledger, { keepBooked: true });
    return { app, queue, ledger };
  }

  it('is refused by publish with an error that names it, and the next task runs', async () => {
    const { app, ledger } = await start('refused');
    app.tell({ do: 'publish-refused' });
    const refused = await app.refusals(REFUSED_TASKS.length);
    const wrong = REFUSED_TASKS.filter(({ code, text }, index) => refused[index]?.code !== code || !text.test(refused[index]?.text ?? ''));
    expect(wrong.map(({ title }) => refused.find((one) => one.title === title))).toEqual([]);
    await app.publish({ uuid: 'next', name: 'work', args: [{ type: 'int', value: 0 }] });
    await app.entry('next', ['finished']);
    // Nothing of what was refused has arrived.
    expect([...ledger.started.keys()]).toEqual(['next']);
  });

  it('that arrives becomes a dead letter with its reason, and the next task runs', async () => {
    const { queue, ledger } = await start('arriving');
    const { send, take } = rawAccess(brokerUrl());
    await send(queue, ARRIVING.flatMap(({ body, headers }, index): RawMessage[] => [
      { body, headers: { ...headers, [CASE]: index } },
      { body: Buffer.from(`{"uuid":"after-${index}","name":"work","args":[{"type":"int","value":0}]}`), headers: {} },
    ]));
    ARRIVING.forEach((_, index) => ledger.add({ kind: 'accepted', uuid: `after-${index}` }));
    await ledger.settled(60_000);
    const dead = await take(`${queue}.dead`, ARRIVING.length, 60_000);
    console.log(`[ledger] ${kind}, ${ARRIVING.length} bad bodies with a task after each: ${ledger.toString()}, dead letters ${dead.length}`);
    const found = new Map(dead.map((message) => [message.headers[CASE], message]));
    const wrong = ARRIVING.flatMap((expected, index) => {
      const { body, headers } = found.get(index) ?? { body: Buffer.alloc(0), headers: { missing: true } };
      const { 'x-dispatcher-dead-reason': reason, 'x-dispatcher-dead-error': error } = headers;
      const right = reason === expected.reason && expected.error.test(error as string) && body.equals(expected.body);
      return right ? [] : [{ title: expected.title, reason, error, expected: expected.reason }];
    });
    expect(wrong).toEqual([]);
    expect(dead).toHaveLength(ARRIVING.length);
    expect(ledger.duplicates()).toEqual([]);
    // The server's frame has room for it beside ours; where it had none, the dead letter would name it.
    const crowded = found.get(ARRIVING.findIndex(({ headers }) => headers !== undefined && 'big' in headers))?.headers ?? {};
    expect('big' in crowded || crowded['x-dispatcher-dead-dropped-headers'] === 'big').toBe(true);
  });
});
