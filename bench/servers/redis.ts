import { spawn } from 'node:child_process';
import { createConnection } from 'node:net';
import { freePorts } from '../../test/support/free-ports.js';
import { killGroup } from '../../test/support/process-groups.js';
import { removeFolder, temporaryFolder } from '../../test/support/temporary-folder.js';
import { eventually } from '../../test/support/wait.js';
import { needFile } from './packages.js';
import type { Server } from './server.js';

const COMMAND_LIMIT_MS = 10_000;

/** One Redis that keeps an append-only file, synced every second: the least that "accepted means kept" can mean there. */
export async function startRedis(): Promise<Server> {
  needFile('/usr/bin/redis-server', 'redis-server');
  const folder = temporaryFolder('redis');
  const [port] = await freePorts(1);
  const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec'];
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...durable], {
    stdio: 'ignore',
    detached: true,
  });
  child.once('error', () => undefined);
  const kill = (): void => killGroup(child, 'SIGKILL');
  process.once('exit', kill);
  await eventually(() => command(port, 'PING').catch(() => ''), (answer) => answer.startsWith('+PONG'), 'Redis to answer');
  return {
    url: `redis://127.0.0.1:${port}`,
    clear: async () => void (await command(port, 'FLUSHALL')),
    async stop() {
      process.off('exit', kill);
      const closed = new Promise((resolve) => child.once('close', resolve));
      kill();
      await closed;
      removeFolder(folder);
    },
  };
}

function command(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.setTimeout(COMMAND_LIMIT_MS, () => socket.destroy(new Error(`Redis did not answer ${text} in time.`)));
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      const answer = data.toString();
      if (answer.startsWith('-')) reject(new Error(answer));
      else resolve(answer);
    });
    socket.write(`${text}\r\n`);
  });
}
