import type { Channel, ConsumeMessage } from 'amqplib';
import { answered, closeChannel, openChannel, withChannel } from '../../amqp/open-channel.js';
import { BrokerUnavailableError } from '../../errors.js';
import { readJsonObject } from '../../formats/read-json.js';
import { pauseUntil } from '../../time/pause-until.js';
import { makeStopper } from '../../time/stopper.js';
import type { AmqpLink } from '../amqp/amqp-link.js';

const EXCHANGE = 'celery.pidbox';
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const LONGEST_TEXT = 200;
const CLOSE_LIMIT_MS = 2_000;

export interface Revocation {
  readonly ids: readonly string[];
  /** Those that run are to be stopped too. */
  readonly terminate: boolean;
}

/** What a message to all workers of Celery revokes; `undefined` where it is about something else, or is meant for some of them. Never throws. */
export function readRevocation(body: Buffer): Revocation | undefined {
  try {
    const { method, arguments: given, destination, pattern } = readJsonObject(body, '{"method","arguments"}');
    if (method !== 'revoke' || !isNothing(destination) || !isNothing(pattern)) return undefined;
    const { task_id: id, terminate } = given as { task_id?: unknown; terminate?: unknown };
    const ids = (Array.isArray(id) ? id as unknown[] : [id]).filter((one): one is string => typeof one === 'string' && one !== '' && one.length <= LONGEST_TEXT);
    return ids.length === 0 ? undefined : { ids, terminate: terminate === true };
  } catch {
    return undefined;
  }
}

/** Listens to what Celery tells all its workers, across lost connections; what is told meanwhile is missed, as by its own workers. */
export class Pidbox {
  private readonly stopper = makeStopper();

  constructor(private readonly link: AmqpLink, private readonly onRevoked: (revocation: Revocation) => void, private readonly warn: (message: string) => void) {}

  /** Resolves when it listens, or has failed to for the first time. Never rejects. */
  start(): Promise<void> {
    return new Promise((resolve) => void this.listenOn(resolve));
  }

  async stop(): Promise<void> {
    this.stopper.abort();
    await this.link.close();
  }

  private async listenOn(begun: () => void): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !this.stopper.signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        await this.listen(() => {
          pauseMs = FIRST_PAUSE_MS;
          begun();
        });
      } catch (error) {
        if (pauseMs === FIRST_PAUSE_MS && !this.stopper.signal.aborted) this.warn(`Revoked tasks of Celery are not heard of for now: ${(error as Error).message}`);
        begun();
      }
      await pauseUntil(pauseMs, this.stopper.signal);
    }
  }

  /** Resolves when the channel has gone. */
  private async listen(begun: () => void): Promise<void> {
    await this.declare();
    const model = await this.link.model();
    await new Promise<void>((resolve, reject) => {
      openChannel(model, { closed: () => resolve(), warning: this.warn }).then((channel) => this.consume(channel)).then(begun, reject);
    });
  }

  /** As Celery makes it, unless it is there already. A refusal closes the channel that it happened on. */
  private async declare(): Promise<void> {
    const model = await this.link.model();
    try {
      await withChannel(model, (channel) => channel.checkExchange(EXCHANGE));
    } catch (error) {
      if (error instanceof BrokerUnavailableError) throw error;
      await withChannel(model, (channel) => channel.assertExchange(EXCHANGE, 'fanout', { durable: false }));
    }
  }

  /** Nobody listens on a channel where this fails. */
  private async consume(channel: Channel): Promise<void> {
    try {
      await this.declareAndConsume(channel);
    } catch (error) {
      await closeChannel(channel, CLOSE_LIMIT_MS);
      throw error;
    }
  }

  private async declareAndConsume(channel: Channel): Promise<void> {
    const { queue } = await answered(channel.assertQueue('', { exclusive: true, autoDelete: true, durable: false }), 'queue.declare');
    await answered(channel.bindQueue(queue, EXCHANGE, ''), 'queue.bind');
    await answered(channel.consume(queue, (message: ConsumeMessage | null) => {
      const revocation = message === null ? undefined : readRevocation(message.content);
      if (revocation !== undefined) this.onRevoked(revocation);
    }, { noAck: true }), 'basic.consume');
  }
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined;
}
