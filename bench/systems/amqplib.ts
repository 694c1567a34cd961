import { randomUUID } from 'node:crypto';
import { connect, type ChannelModel, type ConfirmChannel, type ConsumeMessage } from 'amqplib';
import type { BenchTask, OnTask, System } from '../system/contract.js';
import { queueNames, type Settings } from '../system/settings.js';

/** RabbitMQ's direct reply-to. */
const REPLIES = 'amq.rabbitmq.reply-to';
const NOTHING = Buffer.from('null');

const ACK_EVERY = 50;
const ACK_IDLE_MS = 5;
/** With fewer in flight than one acknowledgement covers, each batch would wait for the idle flush. */
const COALESCING_PREFETCH = 100;

/** amqplib with nothing around it: what a careful program without a task queue would do. */
export async function open(settings: Settings, onTask: OnTask): Promise<System> {
  const connection = await connect(settings.server, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  await declare(channel, settings);
  if (settings.results === 'on') return calls(connection, channel, settings, onTask);
  const consumer = consuming(channel, settings, onTask);
  return {
    publish: publishing(channel, settings),
    consume: () => consumer.start(),
    close: () => close(connection, channel, consumer),
  };
}

async function declare(channel: ConfirmChannel, settings: Settings): Promise<void> {
  await channel.assertExchange(settings.prefix, 'direct', { durable: true });
  const options = settings.type === 'quorum' ? { durable: true, arguments: { 'x-queue-type': 'quorum' } } : { durable: true };
  for (const name of queueNames(settings)) {
    await channel.assertQueue(name, options);
    await channel.bindQueue(name, settings.prefix, name);
  }
}

function publishing(channel: ConfirmChannel, settings: Settings): System['publish'] {
  const options = { persistent: true, contentType: 'application/json', mandatory: settings.mandatory === 'on' };
  return (task, queue, done) => {
    const uuid = randomUUID();
    const body = Buffer.from(JSON.stringify({ uuid, name: task.name, args: task.args }));
    channel.publish(settings.prefix, queue, body, settings.messageid === 'on' ? { ...options, messageId: uuid } : options, (error) => done(error as Error | null));
  };
}

/** Remote calls in RabbitMQ's own way: each task names where its result is to go, and is acknowledged by itself. */
async function calls(connection: ChannelModel, channel: ConfirmChannel, settings: Settings, onTask: OnTask): Promise<System> {
  const waiting = new Map<string, () => void>();
  const answered = ({ properties }: ConsumeMessage): void => {
    waiting.get(properties.correlationId as string)?.();
    waiting.delete(properties.correlationId as string);
  };
  if (settings.role === 'publish') await channel.consume(REPLIES, (message) => answered(message!), { noAck: true });
  const answer = (message: ConsumeMessage): void => {
    const task = JSON.parse(message.content.toString()) as BenchTask;
    void onTask(Number(task.args[1]?.value ?? 0));
    const { replyTo, correlationId } = message.properties as { replyTo: string; correlationId: string };
    channel.sendToQueue(replyTo, NOTHING, { correlationId });
    channel.ack(message);
  };
  return {
    publish(task, queue, done) {
      const uuid = randomUUID();
      waiting.set(uuid, done);
      const body = Buffer.from(JSON.stringify({ uuid, name: task.name, args: task.args }));
      channel.publish(settings.prefix, queue, body, { persistent: true, contentType: 'application/json', replyTo: REPLIES, correlationId: uuid });
    },
    async consume() {
      await channel.prefetch(settings.limit);
      for (const name of queueNames(settings)) await channel.consume(name, (message) => answer(message!));
    },
    close: () => close(connection, channel, { flush: () => undefined }),
  };
}

interface Consumer {
  start(): Promise<void>;
  flush(): void;
}

function consuming(channel: ConfirmChannel, settings: Settings, onTask: OnTask): Consumer {
  const acks = settings.ack === 'single' ? singleAcks(channel) : coalescedAcks(channel);
  const prefetch = settings.ack === 'single' ? settings.limit : Math.max(settings.limit, COALESCING_PREFETCH);
  const receive = (message: ConsumeMessage | null): void => {
    if (message === null) throw new Error('The server cancelled a consumer of the benchmark.');
    const task = JSON.parse(message.content.toString()) as BenchTask;
    const running = onTask(Number(task.args[1]?.value ?? 0));
    if (running === undefined) acks.add(message);
    else void running.then(() => channel.ack(message));
  };
  return {
    flush: () => acks.flush(),
    async start() {
      await channel.prefetch(prefetch);
      for (const name of queueNames(settings)) await channel.consume(name, receive);
    },
  };
}

function singleAcks(channel: ConfirmChannel) {
  return { add: (message: ConsumeMessage) => channel.ack(message), flush: () => undefined };
}

function coalescedAcks(channel: ConfirmChannel) {
  let last: ConsumeMessage | undefined;
  let pending = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (last !== undefined) channel.ack(last, true);
    last = undefined;
    pending = 0;
  };
  const add = (message: ConsumeMessage): void => {
    last = message;
    if (++pending >= ACK_EVERY) flush();
    else timer ??= setTimeout(flush, ACK_IDLE_MS);
  };
  return { add, flush };
}

async function close(connection: ChannelModel, channel: ConfirmChannel, consumer: Pick<Consumer, 'flush'>): Promise<void> {
  consumer.flush();
  await channel.close();
  await connection.close();
}
