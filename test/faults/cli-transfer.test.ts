import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { DispatcherParts } from '../../lib/dispatcher/dispatcher-parts.js';
import type { DispatcherService, ServerConfig } from '../../lib/index.js';
import { type CliPlace, runCli, startCli } from '../support/cli.js';
import { embeddedFolder, oneWorker, startOn } from '../support/nest-on-broker.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

const TASKS = 15_000;
/** As many as may be on their way to a file or to a queue when a process dies. */
const MOST_TWICE = 4_000;

/** `export` and `import` are killed in their midst and gone on with: what was in the queue is in the file, and in the queue again. */
describe('moving tasks while processes are killed', () => {
  let node: RabbitMqNode;
  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());

  it.each([['amqp', () => node.url], ['embedded', () => embeddedFolder('cli-transfer')]])('loses nothing on %s', async (_name, url) => {
    const config = oneWorker(url(), 'cli-transfer');
    const { service } = await startOn({ ...config, role: 'publisher' });
    const accepted = await publish(service);
    const [{ queue }] = config.workers;
    const folder = temporaryFolder('cli-transfer');
    onTestFinished(() => removeFolder(folder));
    const file = join(folder, 'tasks.jsonl');
    const place = placeOf(config);

    const first = ['export', queue, '--to-file', file, '--move', '--yes'];
    await killed(first, place, () => existsSync(file) && statSync(file).size > 100_000);
    await killed([...first, '--resume'], place, grown(file));
    const moved = await runCli([...first, '--resume', '--json'], place);
    expect(moved.code, moved.stderr).toBe(0);
    expect(await service.depth(queue)).toBe(0);
    const written = uuidsIn(file);
    expect(lost(accepted, written)).toEqual([]);
    // A message that is in the file and was still in its queue is not written once more.
    expect(written.length).toBe(TASKS);

    const back = ['import', file];
    await killed(back, place, () => existsSync(`${file}.imported`));
    expect((await runCli(back, place)).code).toBe(1);
    await killed([...back, '--resume'], place, grown(`${file}.imported`, () => (JSON.parse(readFileSync(`${file}.imported`, 'utf8')) as { bytes: number }).bytes));
    const imported = await runCli([...back, '--resume', '--json'], place);
    expect(imported.code, imported.stderr).toBe(0);
    const arrived = await uuidsOf(service, queue);
    expect(lost(accepted, arrived)).toEqual([]);
    expect(arrived.length - TASKS).toBeLessThan(MOST_TWICE);
    expect((await runCli([...back, '--resume'], place)).code).toBe(1);
  });

  it('loses nothing from one broker to another', async () => {
    const [from, to] = [oneWorker(embeddedFolder('cli-from'), 'cli-from'), oneWorker(node.url, 'cli-to')];
    const source = (await startOn({ ...from, role: 'publisher' })).service;
    const target = (await startOn({ ...to, role: 'publisher' })).service;
    const accepted = await publish(source);
    const [{ queue }] = from.workers;
    const [{ queue: toQueue }] = to.workers;
    const move = ['export', queue, '--to-exchange', to.exchange, '--to-queue', toQueue, '--move', '--yes'];
    const place = { ...placeOf(from), env: { DISPATCHER_TO_BROKER: node.url } };
    let waiting = 0;
    await killed(move, place, async () => (waiting = (await target.depth(toQueue)) ?? 0) > 500);
    expect(waiting).toBeLessThan(TASKS);
    const moved = await runCli(move, place);
    expect(moved.code, moved.stderr).toBe(0);
    expect(await source.depth(queue)).toBe(0);
    const arrived = await uuidsOf(target, toQueue);
    expect(lost(accepted, arrived)).toEqual([]);
    expect(arrived.length - TASKS).toBeLessThan(MOST_TWICE);
  });
});

function placeOf({ broker, exchange }: ServerConfig): CliPlace {
  return { broker: broker as string, exchange };
}

async function publish(service: DispatcherService): Promise<readonly string[]> {
  const outcomes = await service.publishMany(Array.from({ length: TASKS }, (_, index) => ({ name: 'moved', args: [{ type: 'int' as const, value: index }] })));
  return outcomes.map((outcome) => {
    if (!outcome.accepted) throw outcome.error;
    return outcome.uuid;
  });
}

/** Killed as soon as it is under way; that it was under way is part of the test. */
async function killed(args: string[], place: CliPlace, underWay: () => boolean | Promise<boolean>): Promise<void> {
  const child = startCli(args, place);
  const ended = child.exited(120_000);
  let hasEnded = false;
  void ended.finally(() => { hasEnded = true; });
  while (!hasEnded && !await underWay()) await sleep(2);
  child.signal('SIGKILL');
  expect(await ended, child.stderr).toEqual({ code: null, signal: 'SIGKILL' });
}

/** Whether it has more than when it was first asked. */
function grown(file: string, measure = (): number => statSync(file).size): () => boolean {
  const before = measure();
  return () => measure() > before;
}

function uuidsIn(file: string): readonly string[] {
  const [, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => (JSON.parse(line) as { properties: { messageId: string } }).properties.messageId);
}

/** What waits, without changing it. */
async function uuidsOf(service: DispatcherService, queue: string): Promise<readonly string[]> {
  const { broker } = (service as unknown as { parts: DispatcherParts }).parts;
  const uuids: string[] = [];
  await broker.browse(queue, ({ properties }) => {
    uuids.push(properties.messageId as string);
    return 'keep';
  });
  return uuids;
}

function lost(accepted: readonly string[], there: readonly string[]): readonly string[] {
  const found = new Set(there);
  return accepted.filter((uuid) => !found.has(uuid));
}
