import { connect, type ConsumeMessage } from 'amqplib';
import type { Dead } from './account.js';

/** Takes out every dead letter there is and that comes, until it is closed. Plain amqplib, as a foreign program would. */
export async function readDeadLetters(url: string, queues: readonly string[], onDead: (dead: Dead) => void): Promise<() => Promise<void>> {
  const connection = await connect(url, { noDelay: true });
  connection.on('error', (error) => console.error(`The reader of dead letters: ${String(error)}`));
  for (const queue of queues) {
    const channel = await connection.createChannel();
    channel.on('error', (error) => console.error(`No dead letters were read from ${queue}: ${String(error)}`));
    // One that nothing was ever put into does not exist.
    await channel.consume(queue, (message) => { if (message !== null) onDead(deadOf(message)); }, { noAck: true }).catch(() => undefined);
  }
  return () => connection.close();
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
