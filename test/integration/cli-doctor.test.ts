import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ServerConfig } from '../../lib/index.js';
import { type CliResult, runCli } from '../support/cli.js';
import { embeddedFolder, oneWorker, startOn } from '../support/nest-on-broker.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';
import { addUser, addVirtualHost, clearPolicy, setPolicy } from '../support/virtual-hosts.js';

/** Each call is a process that starts, loads and connects. */
vi.setConfig({ testTimeout: 240_000 });

interface Finding { readonly check: string; readonly status: string; readonly found: string; readonly todo?: string }

/** The doctor against a broken broker of each kind that it names. */
describe('doctor', () => {
  let node: RabbitMqNode;
  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());

  const system = async (url = node.url): Promise<{ config: ServerConfig; queue: string }> => {
    const config = oneWorker(url, 'doctor');
    const [{ queue }] = config.workers;
    await startOn(config);
    return { config, queue };
  };
  const doctor = (config: Pick<ServerConfig, 'broker' | 'exchange'>, ...args: string[]): Promise<CliResult> =>
    runCli(['doctor', ...args, '--json'], { broker: config.broker as string, exchange: config.exchange });
  const findings = (result: CliResult): readonly Finding[] => result.json<{ findings: Finding[] }>().findings;
  const found = (result: CliResult, check: string): Finding | undefined => findings(result).find((one) => one.check === check);
  const problems = (result: CliResult): readonly string[] => findings(result).filter(({ status }) => status === 'problem').map(({ check }) => check);
  const as = async (configure: string, write: string, read: string): Promise<string> => {
    const name = uniqueName('user');
    await addUser(node, name, 'geheim', [configure, write, read]);
    return node.url.replace('guest:guest', `${name}:geheim`);
  };

  it.concurrent('finds nothing wrong with a sound system, says what it cannot tell, and leaves nothing behind', async () => {
    const { config, queue } = await system();
    const result = await doctor(config, queue);
    expect(problems(result)).toEqual([]);
    expect(result.code).toBe(0);
    expect(found(result, 'connection')).toMatchObject({ status: 'ok' });
    expect(found(result, `queue "${queue}.dead"`)).toMatchObject({ status: 'ok' });
    expect(found(result, 'clock')).toMatchObject({ status: 'ok' });
    expect(found(result, 'alarms')).toMatchObject({ status: 'ok' });
    expect(found(result, 'policies')).toMatchObject({ status: 'unknown', todo: expect.stringContaining('rabbitmqctl list_policies') as string });
    expect(found(result, 'consumer timeout')).toMatchObject({ status: 'unknown', todo: expect.stringContaining('consumer_timeout') as string });
    expect(await node.rabbitmqctl('list_queues', '--silent', 'name')).not.toContain(`${config.exchange}.doctor.v1.`);
    expect((await runCli(['doctor', queue], { broker: config.broker as string, exchange: config.exchange })).stdout).toMatch(/^ok {7}connection: Connected to /);
  });

  it.concurrent('names each right that is missing, what it is for, and what to type', async () => {
    const { config, queue } = await system();
    const broker = await as('^$', `^${config.exchange}$`, '^$');
    const both = await doctor({ ...config, broker }, queue);
    expect(both.code).toBe(1);
    expect(found(both, 'rights: publishing')).toMatchObject({ status: 'ok' });
    expect(problems(both)).toEqual([
      'rights: retries and dead letters', 'rights: delaying tasks', 'rights: making and serving the queues of delays', 'rights: results', 'rights: pauses, cancellations and schedules',
      'rights: shared state in RabbitMQ itself', 'rights: inspection', 'rights: looking through dead letters', `rights: working on the queue "${queue}"`,
    ]);
    expect(found(both, 'rights: retries and dead letters')?.todo).toMatch(/^rabbitmqctl set_permissions -p \/ test-user-\w+ '<configure>' '<write>\|\^amq\\\.default\$' '<read>'/);
    expect(both.stdout + both.stderr).not.toContain('geheim');
    const publisher = await doctor({ ...config, broker }, '--role', 'publisher');
    expect(publisher.code).toBe(0);
    expect(found(publisher, 'rights: delaying tasks')).toMatchObject({ status: 'warning' });
    const enough = await doctor({ ...config, broker: await as('^$', `^${config.exchange}(\\.delay\\.v2\\..*)?$`, '^$') }, '--role', 'publisher');
    expect(found(enough, 'rights: delaying tasks')).toMatchObject({ status: 'ok' });
    const none = await doctor({ ...config, broker: await as('^$', '^$', '^$') }, '--role', 'publisher');
    expect(problems(none)).toEqual(['rights: publishing']);
  });

  it.concurrent('finds queues that others made with other arguments, those that are not there, and an exchange of another type', async () => {
    const { config, queue } = await system();
    const [foreign, transient, old, absent] = ['foreign', 'transient', 'old', 'absent'].map((name) => `${queue}.${name}`) as [string, string, string, string];
    const exchange = uniqueName('doctor-topic');
    await withChannel(node.url, async (channel) => {
      await channel.assertQueue(foreign, { arguments: { 'x-max-length': 5 } });
      await channel.assertQueue(transient, { durable: false, exclusive: false });
      // As 0.1.0 did where the server's default type is classic: without saying so, which is the same there.
      for (const name of [old, `${old}.dead`]) await channel.assertQueue(name, { arguments: { 'x-queue-type': 'classic' } });
      await channel.assertExchange(exchange, 'topic');
    });
    const result = await doctor(config, foreign, transient, old, absent);
    expect(problems(result)).toEqual([`queue "${foreign}"`, `queue "${transient}"`]);
    expect(found(result, `queue "${foreign}"`)?.found).toContain('x-max-length is 5');
    expect(found(result, `queue "${foreign}"`)?.todo).toContain(`export ${foreign} --to-file`);
    expect(found(result, `queue "${transient}"`)?.found).toContain('durable is false');
    expect(found(result, `queue "${old}.dead"`)).toMatchObject({ status: 'warning', found: expect.stringContaining('0.1.0') as string });
    expect(found(result, `queue "${absent}"`)).toMatchObject({ status: 'warning', found: 'There is no such queue.' });
    expect(await node.rabbitmqctl('list_queues', '--silent', 'name')).not.toContain(absent);
    expect(found(await doctor({ broker: node.url, exchange }), 'exchange')).toMatchObject({ status: 'problem', found: expect.stringContaining('topic') as string });
    expect(problems(await doctor({ broker: node.url, exchange: `${exchange}.none` }))).toContain('exchange');
  });

  it.concurrent('finds a virtual host with another default type of queues, and what that made', async () => {
    const url = await addVirtualHost(node, 'doctor-quorum', 'quorum');
    const { config, queue } = await system(url);
    const adopted = `${queue}.adopted`;
    await withChannel(url, (channel) => channel.assertQueue(adopted));
    const result = await doctor(config, adopted);
    expect(found(result, 'default queue type')).toMatchObject({ status: 'warning', found: expect.stringContaining('makes quorum queues') as string });
    expect(found(result, `queue "${adopted}"`)).toMatchObject({ status: 'warning', found: expect.stringContaining('delivery-limit') as string });
  });

  it.concurrent('finds clocks that differ', async () => {
    const { config } = await system();
    const folder = temporaryFolder('doctor');
    onTestFinished(() => removeFolder(folder));
    const shift = join(folder, 'shift.cjs');
    writeFileSync(shift, 'const now = Date.now.bind(Date); Date.now = () => now() + 600_000;');
    const result = await runCli(['doctor', '--json'], { broker: config.broker as string, exchange: config.exchange, env: { NODE_OPTIONS: `--require ${shift}` } });
    expect(found(result, 'clock')).toMatchObject({ status: 'problem', found: expect.stringMatching(/clock is (599|600) s ahead of the server's/) as string });
  });

  it.concurrent('says why it cannot connect', async () => {
    const exchange = 'any';
    const wrong = await doctor({ broker: node.url.replace('guest:guest', 'guest:geheim'), exchange });
    expect(wrong.code).toBe(4);
    expect(problems(wrong)).toEqual(['connection']);
    expect(wrong.stdout).not.toContain('geheim');
    expect((await doctor({ broker: `${node.url}none`, exchange })).code).toBe(4);
    const away = await doctor({ broker: 'amqp://127.0.0.1:1/', exchange });
    expect(away.code).toBe(3);
    expect(found(away, 'connection')).toMatchObject({ status: 'problem', found: expect.stringContaining('ECONNREFUSED') as string });
  });

  it.concurrent('looks at a folder', async () => {
    const config = oneWorker(embeddedFolder('doctor'), 'doctor');
    await startOn(config);
    const sound = await doctor(config);
    expect(problems(sound)).toEqual([]);
    expect(findings(sound).map(({ check }) => check)).toEqual(['folder', 'driver', 'room', 'messages']);
    const absent = await doctor({ broker: `${String(config.broker)}-none`, exchange: 'x' });
    expect(absent.code).toBe(1);
    expect(found(absent, 'folder')).toMatchObject({ status: 'problem', found: expect.stringContaining('There is no folder') as string });
    expect(problems(await doctor({ broker: 'embedded:', exchange: 'x' }))).toEqual(['folder']);
  });

  // The rest changes the server for everybody: one after the other, when all others have ended.
  it('finds policies that drop messages: one that holds for all, and others in what rabbitmqctl prints', async () => {
    const { config, queue } = await system();
    await setPolicy(node, '/', '.*', { 'max-length': 10 });
    onTestFinished(() => clearPolicy(node, '/', '.*'));
    const result = await doctor(config, queue);
    expect(found(result, 'policies')).toMatchObject({ status: 'problem', found: expect.stringContaining('of 200 that were put into a new queue 10 were left') as string });
    const folder = temporaryFolder('doctor');
    onTestFinished(() => removeFolder(folder));
    const file = join(folder, 'policies.json');
    writeFileSync(file, await node.rabbitmqctl('list_policies', '-p', '/', '--formatter', 'json'));
    const told = findings(await doctor(config, queue, '--policies', file)).filter(({ check }) => check === 'policies');
    expect(told.map(({ found: text }) => text)).toContainEqual(expect.stringContaining(`has max-length 10 for the queue "${queue}": it drops tasks`));
  });

  it('finds an alarm', async () => {
    const { config, queue } = await system();
    await node.rabbitmqctl('set_vm_memory_high_watermark', '0.00001');
    try {
      const result = await doctor(config, queue);
      expect(problems(result)).toEqual(['alarms']);
      expect(found(result, 'alarms')).toMatchObject({ found: expect.stringContaining('memory') as string, todo: expect.stringContaining('rabbitmq-diagnostics') as string });
    } finally {
      await node.rabbitmqctl('set_vm_memory_high_watermark', '0.6');
    }
  });
});
