import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { runCli as runAsProcess, runCliHere as runCli, startCli } from '../support/cli.js';
import { embeddedFolder, oneWorker, startOn } from '../support/nest-on-broker.js';
import { type RabbitMqNode, startRabbitMq } from '../support/rabbitmq.js';
import { sharedRabbitMqUrl, uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { addUser } from '../support/virtual-hosts.js';
import { eventually } from '../support/wait.js';

/** Each call is a process that starts, loads and connects. */
vi.setConfig({ testTimeout: 240_000 });

describe('the command line, used wrongly', () => {
  it.each([
    ['no verb', [], 'A verb is missing'], ['an unknown verb', ['sned', 'x'], "unknown command 'sned'"], ['an unknown option', ['queues', '--nothing'], "unknown option '--nothing'"],
    ['an argument that is missing', ['purge'], "missing required argument 'queue'"], ['no broker', ['queues', 'a'], 'which broker is meant'],
    ['a family without a verb', ['dead'], 'A verb is missing'],
    ['a scheme that no broker has', ['queues', 'a', '-b', 'http://u:geheim@h/', '-e', 'x'], 'has the scheme "http:"'],
    ['a URL with a stray password', ['queues', 'a', '-b', 'amqp://u:ge/heim@h/', '-e', 'x'], 'must be encoded'],
    ['the memory of another process', ['queues', 'a', '-b', 'embedded:', '-e', 'x'], 'memory of one process'],
    ['no queue', ['drain', '-b', 'embedded:.', '-e', 'x'], 'which queues are meant'],
  ])('ends with 2: %s', async (_what, args, text) => {
    const result = await runCli(args);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(text);
    expect(result.stderr).not.toMatch(/geheim|heim@/);
  });

  it('ends with 3 where the broker cannot be reached, and says it as JSON where that is wanted', async () => {
    const result = await runAsProcess(['queues', 'a', '--json'], { broker: 'amqp://u:geheim@127.0.0.1:1/', exchange: 'x' });
    expect(result).toMatchObject({ code: 3, stdout: '' });
    expect(JSON.parse(result.stderr)).toMatchObject({ error: { code: 'ERR_DISPATCHER_BROKER_UNAVAILABLE', exitCode: 3 } });
    expect(result.stderr).not.toContain('geheim');
  });

  it('ends with 1 for an exchange that is not there, and does not make it', async () => {
    const exchange = uniqueName('cli-typo');
    const result = await runCli(['queues', 'a'], { broker: sharedRabbitMqUrl(), exchange });
    expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(`There is no exchange "${exchange}"`) as string });
    await expect(withChannel(sharedRabbitMqUrl(), (channel) => channel.checkExchange(exchange))).rejects.toMatchObject({ code: 404 });
  });

  it('ends with 1 for a folder that is not there, and does not make it', async () => {
    const folder = join(temporaryFolder('cli-typo'), 'none');
    onTestFinished(() => removeFolder(join(folder, '..')));
    expect(await runCli(['queues', 'a'], { broker: `embedded:${folder}`, exchange: 'x' })).toMatchObject({ code: 1, stdout: '' });
    expect(existsSync(folder)).toBe(false);
  });

  it('prints help and version to standard output', async () => {
    const help = await runAsProcess(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('Exit codes:');
    expect(await runCli(['help', 'dead', 'replay'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Examples:') as string });
    expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string });
    expect(await runCli(['completion', 'bash'])).toMatchObject({ code: 0, stdout: expect.stringContaining('complete -o default') as string });
    expect((await runCli(['__complete', 'dead', 're'])).stdout).toBe('replay');
  });

  it('completes in bash', async () => {
    const script = (await runCli(['completion', 'bash'])).stdout;
    const typed = 'COMP_WORDS=(nestjs-dispatcher dead re); COMP_CWORD=2; _nestjs_dispatcher; echo "${COMPREPLY[@]}"';
    const program = `nestjs-dispatcher() { "${process.execPath}" dist/lib/cli/main.js "$@"; }`;
    const { stdout } = await promisify(execFile)('bash', ['-c', `${script}\n${program}\n${typed}`]);
    expect(stdout).toBe('replay\n');
  });

  it.skipIf(process.platform !== 'linux')('does not leave a password where ps shows it', async () => {
    const child = startCli(['drain', 'q', '--connect-timeout', '60s', '--broker', 'amqp://u:geheim@10.255.255.1/', '--exchange', 'x']);
    await eventually(() => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'), (line) => line.startsWith('nestjs-dispatcher'), 'the title of the process');
    expect(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')).not.toContain('geheim');
    await child.stop();
  });

  it('reads the configuration of the folder that it is called in', async () => {
    const folder = temporaryFolder('cli-config');
    onTestFinished(() => removeFolder(folder));
    const config = oneWorker(embeddedFolder('cli-config'), 'cli-config');
    const { service } = await startOn({ ...config, role: 'publisher' });
    const [{ queue }] = config.workers;
    writeFileSync(join(folder, 'dispatcher.config.json'), JSON.stringify({ broker: config.broker, exchange: config.exchange, defaultRoutingKey: 'key', queues: [queue] }));
    expect((await runCli(['send', 'any', '1'], { cwd: folder })).code).toBe(0);
    expect((await runCli(['queues', '--json'], { cwd: folder })).json()).toMatchObject({ queues: [{ name: queue, waiting: 1 }] });
    expect(await service.depth(queue)).toBe(1);
  });
});

describe('the command line with fewer rights', () => {
  let node: RabbitMqNode;
  beforeAll(async () => { node = await startRabbitMq(); });
  afterAll(() => node.stop());

  const as = async (configure: string, write: string, read: string): Promise<string> => {
    const name = uniqueName('user');
    await addUser(node, name, 'geheim', [configure, write, read]);
    return node.url.replace('guest:guest', `${name}:geheim`);
  };

  it('sends with the right to publish alone, and ends with 4 where a right is missing', async () => {
    const config = oneWorker(node.url, 'cli-rights');
    const { service } = await startOn({ ...config, role: 'publisher' });
    const [{ queue }] = config.workers;
    const { exchange } = config;
    const place = { broker: await as('^$', `^${exchange}$`, '^$'), exchange };
    const sent = await runCli(['send', 'any', '1', '--routing-key', 'key'], place);
    expect(sent).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f-]{36}$/) as string });
    expect(await service.depth(queue)).toBe(1);
    const refused = await runCli(['dead', 'list', queue, '--json'], place);
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.failure().message).toContain('rabbitmqctl set_permissions');
    expect(refused.stderr).not.toContain('geheim');
  });

  it('ends with 4 for a wrong password', async () => {
    const result = await runCli(['queues', 'a'], { broker: node.url.replace('guest:guest', 'guest:geheim'), exchange: 'x' });
    expect(result).toMatchObject({ code: 4, stdout: '' });
    expect(result.stderr).toContain('Check the user name');
    expect(result.stderr).not.toContain('geheim');
  });
});
