import { describe, expect, it } from 'vitest';
import { callScript, type RedisClient } from '../../../lib/redis/make-client.js';
import { redisScript } from '../../../lib/redis/redis-script.js';

const SCRIPT = redisScript('return ARGV[1]');

/** Runs commands in the order in which they came, and knows a script once it was sent, by whomever. */
class Server {
  readonly run: string[] = [];
  knows = false;
  /** Another connection sends it right after a call in vain. */
  isSentByOthers = false;

  connect(): RedisClient {
    return { sendCommand: ([command, , , value]: string[]) => Promise.resolve().then(() => this.execute(command as string, value as string)) } as unknown as RedisClient;
  }

  private execute(command: string, value: string): string {
    if (command === 'EVALSHA' && !this.knows) {
      this.knows = this.isSentByOthers;
      throw new Error('NOSCRIPT No matching script.');
    }
    this.knows = true;
    this.run.push(`${command} ${value}`);
    return value;
  }
}

describe('a script', () => {
  it('is sent once on each connection, and called by its hash then', async () => {
    const server = new Server();
    const [one, other] = [server.connect(), server.connect()];
    for (const client of [one, one, other, one]) await callScript(client, SCRIPT, [], [String(server.run.length)], {});
    expect(server.run).toEqual(['EVAL 0', 'EVALSHA 1', 'EVAL 2', 'EVALSHA 3']);
  });

  it('runs in the order of its calls, whoever else sends it in between', async () => {
    const server = new Server();
    server.isSentByOthers = true;
    const client = server.connect();
    await Promise.all(['1', '2', '3'].map((value) => callScript(client, SCRIPT, [], [value], {})));
    expect(server.run.map((each) => each.split(' ')[1])).toEqual(['1', '2', '3']);
  });

  it('is sent again where the server has forgotten it', async () => {
    const server = new Server();
    const client = server.connect();
    await callScript(client, SCRIPT, [], ['1'], {});
    server.knows = false;
    expect(await callScript(client, SCRIPT, [], ['2'], {})).toBe('2');
    expect(server.run).toEqual(['EVAL 1', 'EVAL 2']);
  });
});
