import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findEpmd, findRabbitMq, HOW_TO_GET_RABBITMQ } from '../../scripts/find-rabbitmq.mjs';
import { freePorts } from './free-ports.js';
import { killGroup, killMarked } from './process-groups.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';
import { eventually, Signal, within } from './wait.js';

/** Only there to end a hang: a start takes seconds, and minutes on a machine that has too much to do. */
const START_LIMIT_MS = 240_000;
const STOP_LIMIT_MS = 30_000;
/** RabbitMQ writes this once every listener is open and every queue recovered. */
const STARTED = 'Server startup complete';

/**
 * A folder with another system in it, made by debootstrap, whose RabbitMQ is to be used instead of the
 * installed one: how to run the tests on another version. Linux, as root. See docs/testing.md.
 */
const OTHER_ROOT = process.env.DISPATCHER_TEST_RABBITMQ_ROOT ?? '';
const BINARIES_IN_OTHER_ROOT = '/usr/lib/rabbitmq/bin';
/** The mounts belong to the process alone and go with it. Arguments: the root, the folder to see inside, the program and its own. */
const IN_OTHER_ROOT = 'for each in /proc /dev "$1"; do mkdir -p "$0$each"; mount --rbind "$each" "$0$each"; done; root="$0"; shift; exec chroot "$root" "$@"';

/**
 * The queue type that the server takes where a declaration names none, as on installations that chose another
 * than RabbitMQ's own: `classic` (the default here as there) or `quorum`. See docs/testing.md.
 */
const DEFAULT_QUEUE_TYPE = process.env.DISPATCHER_TEST_QUEUE_TYPE || 'classic';
/** What a virtual host takes by default is fixed when it is made: the one that the server has made is made anew. In one call, because each takes two seconds. */
const VIRTUAL_HOST_ANEW = 'rabbit_vhost:delete(<<"/">>, <<"test">>), '
  + `ok = rabbit_vhost:add(<<"/">>, #{default_queue_type => <<"${DEFAULT_QUEUE_TYPE}">>}, <<"test">>), `
  + 'rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"/">>, <<".*">>, <<".*">>, <<".*">>, <<"test">>).';

export interface RabbitMqOptions {
  /** More lines for `rabbitmq.conf`. */
  config?: string;
  /** Erlang terms of the application `rabbit` that it has no line for: `{channel_tick_interval, 1000}`. */
  settings?: string;
}

const nodes = new Set<RabbitMqNode>();

/** Starts a node of one's own, on ports, a data folder and an Erlang name server of its own. */
export async function startRabbitMq(options: RabbitMqOptions = {}): Promise<RabbitMqNode> {
  const binaries = OTHER_ROOT === '' ? findRabbitMq() : BINARIES_IN_OTHER_ROOT;
  const epmd = findEpmd();
  if (binaries === undefined || epmd === undefined) {
    throw new Error(`Found no ${binaries === undefined ? 'rabbitmq-server' : 'epmd'} on this machine. ${HOW_TO_GET_RABBITMQ}`);
  }
  const [port, distributionPort, epmdPort] = await freePorts(3);
  const node = new RabbitMqNode(binaries, epmd, { port, distributionPort, epmdPort }, options);
  if (nodes.size === 0) process.off('exit', killAllNodes).once('exit', killAllNodes);
  nodes.add(node);
  try {
    await node.start();
    if (DEFAULT_QUEUE_TYPE !== 'classic') await node.rabbitmqctl('eval', VIRTUAL_HOST_ANEW);
  } catch (error) {
    await node.stop();
    throw error;
  }
  return node;
}

interface Ports { port: number; distributionPort: number; epmdPort: number }

/** A private RabbitMQ, which a test may kill and start again at will. */
export class RabbitMqNode {
  readonly url: string;
  readonly name = `dispatcher-${randomUUID().slice(0, 8)}@localhost`;
  readonly folder = temporaryFolder('rabbitmq');
  private readonly env: NodeJS.ProcessEnv;
  private epmd: ChildProcess | undefined;
  private server: ChildProcess | undefined;
  private output = '';

  constructor(private readonly binaries: string, private readonly epmdFile: string, private readonly ports: Ports, options: RabbitMqOptions) {
    this.url = `amqp://guest:guest@127.0.0.1:${ports.port}/`;
    this.writeFiles(options.config ?? '', options.settings ?? '');
    this.env = this.environment();
  }

  /** Also after `kill9` and `shutdown`: the same ports, the same data. Resolves when it serves. */
  async start(): Promise<void> {
    if (this.server !== undefined) throw new Error(`RabbitMQ ${this.name} runs already; kill9() or shutdown() it first.`);
    await this.startEpmd();
    const started = new Signal();
    const [program, args] = this.command('rabbitmq-server', []);
    const server = spawn(program, args, { env: this.env, cwd: this.folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.server = server;
    this.output = '';
    const onOutput = (data: Buffer): void => {
      this.output = (this.output + data.toString()).slice(-20_000);
      if (this.output.includes(STARTED)) started.fire();
    };
    server.stdout.on('data', onOutput);
    server.stderr.on('data', onOutput);
    server.once('error', (error) => started.fail(error));
    server.once('exit', (code) => started.fail(new Error(`RabbitMQ ${this.name} ended with code ${code} while starting:\n${this.output}`)));
    await started.within(START_LIMIT_MS, `RabbitMQ ${this.name} to start`);
  }

  /** SIGKILL, as a power cut: the Erlang machine and everything it started, at once. */
  async kill9(): Promise<void> {
    const server = this.server;
    if (server === undefined) return;
    this.server = undefined;
    const closed = new Promise((resolve) => server.once('close', resolve));
    killGroup(server, 'SIGKILL');
    await within(closed, STOP_LIMIT_MS, `RabbitMQ ${this.name} to die`);
  }

  /** An orderly stop, as for maintenance; `start` goes on with the same data. */
  async shutdown(): Promise<void> {
    const server = this.server;
    if (server === undefined) return;
    this.server = undefined;
    const closed = new Promise((resolve) => server.once('close', resolve));
    // To the script alone: it passes the signal on itself, and would do so twice.
    server.kill('SIGTERM');
    await within(closed, STOP_LIMIT_MS, `RabbitMQ ${this.name} to shut down`);
  }

  /** It stops answering, and keeps every connection open. Heartbeats are all that tells. */
  freeze(): void {
    if (this.server !== undefined) killGroup(this.server, 'SIGSTOP');
  }

  thaw(): void {
    if (this.server !== undefined) killGroup(this.server, 'SIGCONT');
  }

  /** Ends it and removes everything of it: processes, data, logs. Idempotent. */
  async stop(): Promise<void> {
    await this.kill9();
    if (this.epmd !== undefined) killGroup(this.epmd, 'SIGKILL');
    this.epmd = undefined;
    nodes.delete(this);
    // Erlang's helpers notice the end of their machine by themselves, but only soon after it.
    await eventually(() => killMarked(this.folder), (killed) => killed === 0, `the last processes of ${this.name} to end`);
    removeFolder(this.folder);
  }

  /** Runs `rabbitmqctl` against this node; resolves to what it printed. Takes about two seconds. */
  async rabbitmqctl(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(...this.command('rabbitmqctl', ['-n', this.name, ...args]),
      { env: this.env, cwd: this.folder, timeout: 60_000 });
    return stdout;
  }

  /** For the end of the process, when nothing can be awaited any more. */
  killNow(): void {
    for (const child of [this.server, this.epmd]) if (child !== undefined) killGroup(child, 'SIGKILL');
    killMarked(this.folder);
    removeFolder(this.folder);
  }

  /** A name server of its own: none is left behind, and no other node can be met by mistake. */
  private async startEpmd(): Promise<void> {
    if (this.epmd !== undefined) return;
    this.epmd = spawn(this.epmdFile, ['-port', String(this.ports.epmdPort)], { env: this.env, detached: true, stdio: 'ignore' });
    this.epmd.once('error', () => undefined);
    await eventually(() => accepts(this.ports.epmdPort), (open) => open, 'the Erlang name server to listen');
  }

  private command(name: string, args: string[]): [program: string, args: string[]] {
    const program = join(this.binaries, name);
    if (OTHER_ROOT === '') return [program, args];
    return ['unshare', ['--mount', 'sh', '-c', IN_OTHER_ROOT, OTHER_ROOT, dirname(this.folder), program, ...args]];
  }

  private writeFiles(config: string, settings: string): void {
    mkdirSync(join(this.folder, 'data'));
    mkdirSync(join(this.folder, 'log'));
    const lines = [
      `listeners.tcp.local = 127.0.0.1:${this.ports.port}`,
      'log.console = true',
      'log.console.level = info',
      'log.file = false',
      'disk_free_limit.absolute = 50MB',
      config,
    ];
    writeFileSync(join(this.folder, 'rabbitmq.conf'), `${lines.join('\n')}\n`);
    writeFileSync(join(this.folder, 'advanced.config'), `[{rabbit, [${settings}]}].\n`);
    writeFileSync(join(this.folder, 'enabled_plugins'), '[].\n');
    writeFileSync(join(this.folder, 'rabbitmq-env.conf'), '');
    // Written here, because rabbitmqctl and the server would otherwise both make one, at the same time.
    writeFileSync(join(this.folder, '.erlang.cookie'), randomUUID(), { mode: 0o400 });
  }

  private environment(): NodeJS.ProcessEnv {
    const inFolder = (name: string): string => join(this.folder, name);
    return {
      PATH: process.env.PATH, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8',
      DISPATCHER_TEST_RUN: process.env.DISPATCHER_TEST_RUN,
      HOME: this.folder, TMPDIR: this.folder,
      ERL_EPMD_PORT: String(this.ports.epmdPort), ERL_EPMD_ADDRESS: '127.0.0.1', ERL_CRASH_DUMP_SECONDS: '0',
      RABBITMQ_NODENAME: this.name,
      RABBITMQ_NODE_PORT: String(this.ports.port),
      RABBITMQ_DIST_PORT: String(this.ports.distributionPort),
      RABBITMQ_CONF_ENV_FILE: inFolder('rabbitmq-env.conf'),
      RABBITMQ_CONFIG_FILE: inFolder('rabbitmq.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: inFolder('advanced.config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: inFolder('enabled_plugins'),
      RABBITMQ_MNESIA_BASE: inFolder('data'),
      RABBITMQ_LOG_BASE: inFolder('log'),
      RABBITMQ_PID_FILE: inFolder('pid'),
      RABBITMQ_LOGS: '-',
    };
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}

function killAllNodes(): void {
  for (const node of nodes) node.killNow();
}
