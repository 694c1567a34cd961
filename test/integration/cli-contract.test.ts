import { Injectable } from '@nestjs/common';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { contractText, readContract, Task, type ContractClient, type Parsed, type ServerConfig } from '../../lib/index.js';
import { runCliHere as runCli, type CliPlace } from '../support/cli.js';
import { asJavaScript, complaintsAbout } from '../support/docs/block-program.js';
import { bothBrokers, oneWorker, startOn } from '../support/nest-on-broker.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

/** Each call is a process that starts, loads and connects. */
vi.setConfig({ testTimeout: 240_000 });

const Order = z.object({ id: z.int(), express: z.boolean().optional() });

@Injectable()
class OrderTasks {
  @Task('order.ship', { schema: Order, resultSchema: z.object({ parcel: z.string() }), result: true, description: 'Ships an order.' })
  ship(order: Parsed<typeof Order>): { parcel: string } { return { parcel: `order ${order.id}` }; }
  @Task('resize', { version: 2, upgrade: { 1: ([width]) => [{ width }] } })
  resize(_size: { width: number }): void { return; }
}

function stageOn(url: string): { config: ServerConfig; place: CliPlace; folder: string } {
  const config = oneWorker(url, 'cli-contract');
  const folder = temporaryFolder('contract');
  onTestFinished(() => removeFolder(folder));
  return { config, folder, place: { broker: url, exchange: config.exchange, cwd: folder } };
}

describe.each(bothBrokers('cli-contract'))('the contract on the command line, %s', (_title, url) => {
  it('is told by the running system, compared, and made into a client that publishes to a real worker', async () => {
    const { config, place, folder } = stageOn(url());
    const { service } = await startOn(config, { providers: [OrderTasks] });
    const printed = await runCli(['contract', 'print', '--format', 'yaml', '--out', 'now.yaml', '--json'], place);
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    expect(printed.json()).toEqual({ file: join(folder, 'now.yaml'), tasks: 2 });
    const contract = service.contract();
    expect(readContract(readFileSync(join(folder, 'now.yaml'), 'utf8'))).toEqual(contract);
    expect(readContract((await runCli(['contract', 'print'], place)).stdout)).toEqual(contract);
    expect(await runCli(['contract', 'diff', 'now.yaml'], place)).toMatchObject({ code: 0, stdout: 'no difference' });
    const [ship] = contract.tasks;
    writeFileSync(join(folder, 'next.json'), contractText({ ...contract, tasks: [{ ...ship!, arguments: [{ ...ship!.arguments[0]!, schema: { type: 'string' } }] }] }));
    const broken = await runCli(['contract', 'diff', 'running', 'next.json', '--json'], place);
    expect(broken.code).toBe(1);
    expect(broken.json()).toMatchObject({ breaking: true, changes: [{ task: 'order.ship', version: 1, breaks: ['publishers', 'queued'] }, { task: 'resize', version: 2, breaks: ['publishers', 'queued'], text: 'is not taken any more' }] });

    const types = await runCli(['contract', 'types', '--out', 'orders.tasks.ts'], place);
    expect(types).toMatchObject({ code: 0, stderr: '' });
    const code = readFileSync(join(folder, 'orders.tasks.ts'), 'utf8');
    const block = { page: 'client', line: 1, isPrelude: false, isRun: false };
    expect(complaintsAbout([{ ...block, code }, { ...block, code: "const parcel: string = (await (await dispatcher.client(tasks)['order.ship']({ id: 7 })).result()).parcel;" }])).toEqual([]);
    const { tasks } = await import(`data:text/javascript,${encodeURIComponent(asJavaScript({ ...block, code }))}`) as { tasks: ContractClient<Pick<OrderClient, 'order.ship'>> };
    // A service that has no access to the class.
    const { service: stranger } = await startOn({ ...config, workers: [], role: 'publisher' });
    const sent = await stranger.client(tasks)['order.ship']({ id: 7 });
    expect(await sent.result({ timeoutSeconds: 30 })).toEqual({ parcel: 'order 7' });
    expect(() => (stranger.client(tasks) as unknown as Record<string, unknown>)['order.shop']).toThrow('Did you mean "order.ship"?');
  });
});

interface OrderClient { 'order.ship'(order: { id: number; express?: boolean }): { parcel: string } }

describe('contracts in files need no broker', () => {
  it('are converted, compared by whom it matters to, and refused where they are none', async () => {
    const { folder } = stageOn('embedded:');
    const { service } = await startOn({ broker: 'embedded:', exchange: 'shop', defaultRoutingKey: 'key', workers: [] }, { providers: [OrderTasks] });
    const contract = service.contract();
    writeFileSync(join(folder, 'old.json'), contractText(contract));
    writeFileSync(join(folder, 'new.yaml'), contractText({ ...contract, tasks: contract.tasks.map((task) => ({ ...task, queue: 'other', description: 'new' })) }, 'yaml'));
    writeFileSync(join(folder, 'moved.yaml'), contractText({ ...contract, tasks: contract.tasks.map(({ result: _result, ...task }) => task) }, 'yaml'));
    writeFileSync(join(folder, 'none.yaml'), 'a: 1');
    const place = { cwd: folder };
    expect(readContract((await runCli(['contract', 'print', 'new.yaml'], place)).stdout).tasks[0]?.queue).toBe('other');
    const harmless = await runCli(['contract', 'diff', 'old.json', 'new.yaml'], place);
    expect(harmless.code).toBe(0);
    expect(harmless.stdout).toMatch(/^harmless:\n {2}order\.ship: waits in the queue "other" now.*\n {2}order\.ship: its description has changed/);
    expect((await runCli(['contract', 'diff', 'old.json', 'moved.yaml'], place)).stdout).toContain('breaks consumers of results:\n  order.ship: its result is not part of the contract any more');
    expect((await runCli(['contract', 'diff', 'old.json', 'moved.yaml', '--fail-on', 'results'], place)).code).toBe(1);
    expect((await runCli(['contract', 'diff', 'old.json', 'moved.yaml', '--fail-on', 'publishers'], place)).code).toBe(0);
    expect((await runCli(['contract', 'diff', 'old.json', 'moved.yaml', '--fail-on', 'nobody'], place)).code).toBe(0);
    const refused = await runCli(['contract', 'print', 'none.yaml', '--json'], place);
    expect([refused.code, refused.failure().code]).toEqual([1, 'ERR_DISPATCHER_INVALID_CONTRACT']);
    expect(refused.failure().message).toContain('none.yaml');
    expect((await runCli(['contract', 'print', 'absent.yaml'], place)).code).toBe(1);
    expect((await runCli(['contract', 'types', 'old.json', '--out', 'no/such/folder.ts'], place)).code).toBe(1);
    // Without a file it needs to be told which system.
    expect((await runCli(['contract', 'print'], place)).code).toBe(2);
  });
});
