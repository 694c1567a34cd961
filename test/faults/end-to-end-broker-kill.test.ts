import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Ledger } from '../support/ledger.js';
import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { FaultApp } from './apps/fault-app.js';
import { plan } from './apps/plan.js';

const IN_FLIGHT = 1_000;
/** In which a publish that was cut off may end. */
const TYPED = ['ERR_DISPATCHER_BROKER_UNAVAILABLE', 'ERR_DISPATCHER_PUBLISH_TIMEOUT'];

describe('kill -9 of RabbitMQ under load', () => {
  let node: RabbitMqNode;
  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());

  it('loses no accepted task, and leaves no publish without an answer', async () => {
    const ledger = new Ledger();
    const { publisher, worker, deadLetterReader } = plan(node.url, 'broker-kill');
    const [patient, impatient, working, reader] = await Promise.all([
      FaultApp.start(publisher, ledger),
      FaultApp.start({ ...publisher, publishTimeoutSeconds: 0.5 }, ledger),
      FaultApp.start(worker('worker'), ledger),
      FaultApp.start(deadLetterReader, ledger),
    ]);
    onTestFinished(async () => { await Promise.all([patient, impatient, working, reader].map((app) => app.kill9())); });
    const inFlight = (): number => ledger.accepted.size - ledger.finished.size - ledger.dead.size;
    const answers = (): number => ledger.accepted.size + ledger.rejected.size;

    const bursts = [patient.burst({ prefix: 'first', count: 4_000, window: 1_500, workMs: 20, failEvery: 50 })];
    bursts.push(impatient.burst({ prefix: 'hasty', count: 3_000, window: 1_500, workMs: 0 }));
    await ledger.until(() => inFlight() >= IN_FLIGHT && answers() < 5_500, 60_000, `${IN_FLIGHT} tasks in flight`);
    console.log(`[ledger] RabbitMQ killed with ${inFlight()} accepted tasks in flight: ${ledger.toString()}`);
    await node.kill9();
    await node.start();

    const before = answers();
    bursts.push(patient.burst({ prefix: 'second', count: 4_000, window: 1_500, workMs: 20, failEvery: 50 }));
    await ledger.until(() => inFlight() >= IN_FLIGHT && answers() > before, 60_000, `${IN_FLIGHT} tasks in flight again`);
    console.log(`[ledger] RabbitMQ killed again with ${inFlight()} accepted tasks in flight: ${ledger.toString()}`);
    await node.kill9();
    await node.start();

    await Promise.all(bursts);
    await ledger.settled(90_000);
    console.log(`[ledger] RabbitMQ killed twice: ${ledger.toString()}, ran twice ${ledger.duplicates().length}, rejections ${JSON.stringify([...impatient.rejections])}`);
    expect({ lost: ledger.lost(), invented: ledger.invented(), answers: answers() }).toEqual({ lost: [], invented: [], answers: 11_000 });
    expect([...patient.rejections.keys(), ...impatient.rejections.keys()].filter((code) => !TYPED.includes(code))).toEqual([]);
    // Who waits 30 s outlasts a restart.
    expect(patient.rejections.size).toBe(0);
    expect([...new Set(ledger.dead.values())]).toEqual(['failed']);
  });
});
