import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, connect, type ConsumeMessage } from 'amqplib';
import type { Dead } from './account.js';

const AGAIN_MS = 1_000;
const NOT_FOUND = 404;

/**
 * Takes out every dead letter there is and that comes, until it is closed. Plain amqplib, as a foreign program would; again
 * and again, since a server that was killed many times may still refuse a queue, or end a connection, for a while.
 */
export async function readDeadLetters(url: string, queues: readonly string[], onDead: (dead: Dead) => void): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  const reading = readUntil(stopping.signal, url, queues, onDead);
  return () => {
    stopping.abort();
    return reading;
  };
}

async function readUntil(stop: AbortSignal, url: string, queues: readonly string[], onDead: (dead: Dead) => void): Promise<void> {
  while (!stop.aborted) {
    try {
      await readOnce(stop, url, queues, onDead);
    } catch (error) {
      console.error(`The reader of dead letters: ${String(error)}`);
    }
    await sleep(AGAIN_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** Until the connection ends, or one of the queues cannot be read; or else until it is to stop. */
async function readOnce(stop: AbortSignal, url: string, queues: readonly string[], onDead: (dead: Dead) => void): Promise<void> {
  const connection = await connect(url, { noDelay: true });
  const ended = new Promise<void>((resolve, reject) => {
    stop.addEventListener('abort', () => resolve(), { once: true });
    connection.on('error', reject);
    connection.on('close', () => resolve());
  });
  try {
    await Promise.race([ended, Promise.all(queues.map((queue) => consume(connection, queue, onDead))).then(() => ended)]);
  } finally {
    await connection.close().catch(() => undefined);
  }
}

async function consume(connection: ChannelModel, queue: string, onDead: (dead: Dead) => void): Promise<void> {
  const channel = await connection.createChannel();
  channel.on('error', (error) => console.error(`No dead letters were read from ${queue}: ${String(error)}`));
  try {
    await channel.consume(queue, (message) => {
      if (message === null) return;
      onDead(deadOf(message));
      channel.ack(message);
    });
  } catch (error) {
    // One that nothing was ever put into does not exist.
    if ((error as { code?: number }).code !== NOT_FOUND) throw error;
  }
}

function deadOf({ content, properties }: ConsumeMessage): Dead {
  const headers = properties.headers ?? {};
  const reason = headers['x-dispatcher-dead-reason'] as string | undefined;
  return { uuid: uuidOf(content), reason: reason ?? `dropped by the server: ${JSON.stringify(headers['x-death'])}` };
}

function uuidOf(content: Buffer): string {
  try {
    return String((JSON.parse(content.toString()) as { uuid?: unknown }).uuid);
  } catch {
    return `no task: ${content.toString('base64').slice(0, 100)}`;
  }
}
