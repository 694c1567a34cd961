import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { DispatcherModule, DispatcherService, type DeadLetter } from '../../lib/index.js';
import { Ledger } from '../support/ledger.js';
import { KeptLog } from '../support/nest-app.js';
import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';
import { eventually, pause } from '../support/wait.js';
import { FaultApp } from './apps/fault-app.js';
import { plan } from './apps/plan.js';

const TASKS = 300;
const ATTEMPTS = 4;
const LIMIT_MS = 120_000;

async function rabbit(): Promise<{ url: string; node: RabbitMqNode }> {
  const node = await startRabbitMq();
  onTestFinished(() => node.stop());
  return { url: node.url, node };
}

function folder(): { url: string; node?: RabbitMqNode } {
  const path = temporaryFolder('dead-once');
  onTestFinished(() => removeFolder(path));
  return { url: `embedded:${path}` };
}

describe.concurrent.each([['RabbitMQ', rabbit], ['an embedded folder', folder]])('a handler that always fails, on %s', (title, place) => {
  it('leaves one dead letter with its whole history, whoever is killed in between', async () => {
    const { url, node } = await place();
    const { publisher, worker, queue } = plan(url, 'dead-once');
    const module = await Test.createTestingModule({ imports: [DispatcherModule.forRoot({ ...publisher, logger: new KeptLog() })] }).compile();
    const app = await module.init();
    onTestFinished(() => app.close());
    const service = app.get(DispatcherService);
    const ledger = new Ledger();
    const start = async (name: string): Promise<FaultApp> => {
      const one = await FaultApp.start(worker(name, 10), ledger);
      onTestFinished(() => one.kill9());
      return one;
    };
    const workers = [await start('a'), await start('b')];
    const published = await service.publishMany(Array.from({ length: TASKS }, (_, index) => ({
      uuid: `task-${index}`, name: 'fails', args: [{ type: 'int', value: 20 }], retry: { attempts: ATTEMPTS, backoff: 'fixed', delaySeconds: 0.5, jitter: 0 },
    })));
    expect(published.every(({ accepted }) => accepted)).toBe(true);
    for (let round = 0; round < 6; round++) {
      await pause(300 + Math.random() * 500);
      if (node !== undefined && round % 3 === 1) {
        await node.kill9();
        await node.start();
      } else {
        await workers.shift()?.kill9();
        workers.push(await start(`heir-${round}`));
      }
    }
    const letters = await eventually(() => allLetters(service, queue), (all) => all.length >= TASKS, `${TASKS} dead letters`, { limitMs: LIMIT_MS });
    // What was run twice because of a kill comes to its end too; the workers are other processes, whose hands drain() cannot see into.
    for (let before = -1, now = 0; before !== now; before = now, now = ledger.starts) {
      await service.drain({ timeoutSeconds: LIMIT_MS / 1_000 });
      await pause(1_500);
    }
    const messages = await service.depth(`${queue}.dead`);
    console.log(`[ledger] ${title}: ${TASKS} tasks that always fail, ${ATTEMPTS} attempts each; starts ${ledger.starts}, dead letters ${letters.length} in ${messages} messages`);
    const all = await allLetters(service, queue);
    expect(all.map(({ id }) => id).sort()).toEqual(Array.from({ length: TASKS }, (_, index) => `task-${index}`).sort());
    const incomplete = all.filter(({ history, attempt, reason }) => reason !== 'failed' || attempt !== ATTEMPTS
      || JSON.stringify(history.map((failed) => failed.attempt)) !== JSON.stringify([1, 2, 3, 4]));
    expect(incomplete.map(({ id, attempt, history }) => ({ id, attempt, history }))).toEqual([]);
  }, LIMIT_MS * 2 + 60_000);
});

async function allLetters(service: DispatcherService, queue: string): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (let after: string | undefined; ;) {
    const page = await service.deadLetters.list(queue, { after, limit: 200 }).catch(() => undefined);
    if (page === undefined) return [];
    letters.push(...page.letters);
    after = page.next;
    if (after === undefined) return letters;
  }
}
