import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { freePorts } from './free-ports.js';
import { answers, PrivateServer } from './private-server.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';
import { eventually } from './wait.js';

/** A Redis among others: on a port and a folder of its own. */
export class RedisNode {
  readonly folder = temporaryFolder('redis');
  readonly server: PrivateServer;

  constructor(readonly port: number, args: readonly string[]) {
    const program = findServer('redis-server') as string;
    this.server = new PrivateServer(program, [...args, '--port', String(port), '--bind', '127.0.0.1', '--dir', this.folder, '--save', ''], () => answers(port, 'PING\r\n', /\+PONG/), this.folder);
  }

  async ask<T>(...command: string[]): Promise<T> {
    const client = createClient({ socket: { host: '127.0.0.1', port: this.port, reconnectStrategy: false } });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await client.sendCommand<T>(command);
    } finally {
      client.destroy();
    }
  }

  /** Whether it takes writes. */
  async isPrimary(): Promise<boolean> {
    return (await this.ask<string[]>('ROLE'))[0] === 'master';
  }

  async stop(): Promise<void> {
    await this.server.kill9();
    removeFolder(this.folder);
  }
}

const APPENDING = ['--appendonly', 'yes', '--appendfsync', 'always', '--repl-diskless-sync-delay', '0'];

/** A primary, its replica, and two sentinels that agree when it is away. */
export class SentinelPair {
  private constructor(readonly primary: RedisNode, readonly replica: RedisNode, private readonly sentinels: readonly RedisNode[]) {}

  static async start(): Promise<SentinelPair> {
    const [one, two, three, four] = await freePorts(4) as [number, number, number, number];
    const primary = new RedisNode(one, APPENDING);
    const replica = new RedisNode(two, [...APPENDING, '--replicaof', `127.0.0.1 ${one}`]);
    const sentinels = [three, four].map((port) => {
      const sentinel: RedisNode = new RedisNode(port, []);
      const file = join(sentinel.folder, 'sentinel.conf');
      writeFileSync(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${sentinel.folder}`, `sentinel monitor main 127.0.0.1 ${one} 2`, 'sentinel down-after-milliseconds main 1000', 'sentinel failover-timeout main 5000'].join('\n'));
      return Object.assign(sentinel, { server: new PrivateServer(findServer('redis-server') as string, [file, '--sentinel'], () => answers(port, 'PING\r\n', /\+PONG/), sentinel.folder) });
    });
    const pair = new SentinelPair(primary, replica, sentinels);
    for (const node of [primary, replica, ...sentinels]) await node.server.start();
    await eventually(() => replica.ask<string>('INFO', 'replication'), (info) => info.includes('master_link_status:up'), 'the replica to be in step');
    for (const sentinel of sentinels) {
      await eventually(() => sentinel.ask<string>('INFO', 'sentinel'), (info) => info.includes('slaves=1,sentinels=2'), 'the sentinels to know all');
    }
    return pair;
  }

  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/main/0`;
  }

  /** The first of them. */
  async killSentinel(): Promise<void> {
    await this.sentinels[0]?.server.kill9();
  }

  async stop(): Promise<void> {
    await Promise.all([this.primary, this.replica, ...this.sentinels].map((node) => node.stop()));
  }
}

const SLOTS = 16_384;

/** Three primaries that share the slots, and a replica of whichever is asked for. */
export class RedisCluster {
  private replica: RedisNode | undefined;

  private constructor(readonly primaries: readonly RedisNode[]) {}

  static async start(): Promise<RedisCluster> {
    const nodes = (await clusterPorts(3)).map((port) => clusterNode(port));
    for (const { server } of nodes) await server.start();
    for (const [index, node] of nodes.entries()) {
      // One by one: ranges are known from 7.0 on only.
      const [from, to] = [Math.floor(index * SLOTS / 3), Math.floor((index + 1) * SLOTS / 3)];
      await node.ask('CLUSTER', 'ADDSLOTS', ...Array.from({ length: to - from }, (_, at) => String(from + at)));
      if (index > 0) await meet(node, nodes[0] as RedisNode);
    }
    const cluster = new RedisCluster(nodes);
    await cluster.agreed(nodes);
    return cluster;
  }

  urlFrom(...nodes: readonly RedisNode[]): string {
    return `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}/0`;
  }

  /** Who has a key. */
  async ownerOf(key: string): Promise<RedisNode> {
    const first = this.primaries[0] as RedisNode;
    const slot = await first.ask<number>('CLUSTER', 'KEYSLOT', key);
    return this.primaries.find((_, index) => slot < Math.floor((index + 1) * SLOTS / 3)) as RedisNode;
  }

  async addReplicaOf(primary: RedisNode): Promise<RedisNode> {
    const [port] = await clusterPorts(1) as [number];
    const replica = this.replica = clusterNode(port);
    await replica.server.start();
    await meet(replica, primary);
    const id = await primary.ask<string>('CLUSTER', 'MYID');
    await eventually(() => replica.ask<string>('CLUSTER', 'REPLICATE', id).catch(() => 'not yet'), (answer) => answer === 'OK', 'it to know its primary');
    await eventually(() => replica.ask<string>('INFO', 'replication'), (info) => info.includes('master_link_status:up'), 'the replica to be in step');
    await this.agreed([...this.primaries, replica]);
    return replica;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.primaries, ...this.replica === undefined ? [] : [this.replica]].map((node) => node.stop()));
  }

  private async agreed(nodes: readonly RedisNode[]): Promise<void> {
    for (const node of nodes) {
      await eventually(() => node.ask<string>('CLUSTER', 'INFO'), (info) => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}`), 'the cluster to agree', { limitMs: 60_000 });
    }
  }
}

function clusterNode(port: number): RedisNode {
  return new RedisNode(port, [...APPENDING, '--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']);
}

/** Nodes talk on a port that is 10,000 higher, which before 7.0 cannot be told otherwise. */
async function clusterPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count && tries < 100; tries++) {
    for (const port of await freePorts(count)) if (port + BUS <= 65_535 && ports.length < count) ports.push(port);
  }
  return ports;
}

const BUS = 10_000;

async function meet(node: RedisNode, other: RedisNode): Promise<void> {
  await node.ask('CLUSTER', 'MEET', '127.0.0.1', String(other.port), String(other.port + BUS));
}
