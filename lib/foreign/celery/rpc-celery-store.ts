import type { Broker, MessageProperties } from '../../brokers/broker.js';
import { UnroutableTaskError } from '../../errors.js';
import { readCeleryRecord } from '../../formats/celery/celery-result.js';
import type { StopWatching } from '../../state/state-backend.js';
import type { CeleryStore, ReplyAddress } from './celery-store.js';

/** The oldest ones are forgotten then. */
const MOST_AWAITED = 10_000;

/** The reply queue of this process. */
export interface Replies {
  open(): Promise<{ readonly address: string }>;
}

interface Awaited {
  record?: Buffer;
  readonly watchers: Set<(record: Buffer) => void>;
}

/** Celery's rpc backend: whoever sends a task says by which queue it is to be answered. Nothing is kept anywhere. */
export class RpcCeleryStore implements CeleryStore {
  private readonly awaited = new Map<string, Awaited>();

  constructor(private readonly broker: Pick<Broker, 'publish'>, private readonly replies: Replies) {}

  async expect(id: string, properties: MessageProperties): Promise<void> {
    properties.replyTo = (await this.replies.open()).address;
    properties.correlationId = id;
    this.awaited.set(id, { watchers: new Set() });
    if (this.awaited.size <= MOST_AWAITED) return;
    for (const oldest of this.awaited.keys()) {
      this.awaited.delete(oldest);
      return;
    }
  }

  /** Who waits no more has taken his queue with him. */
  async write(_id: string, body: Buffer, _isSuccess: boolean, { replyTo, correlationId }: ReplyAddress): Promise<void> {
    if (replyTo === undefined || replyTo === '') return;
    try {
      await this.broker.publish({ body, properties: { contentType: 'application/json', contentEncoding: 'utf-8', correlationId } }, { queue: replyTo });
    } catch (error) {
      if (!(error instanceof UnroutableTaskError)) throw error;
    }
  }

  read(id: string): Promise<Buffer | undefined> {
    return Promise.resolve(this.awaited.get(id)?.record);
  }

  watch(id: string, onRecord: (record: Buffer) => void): StopWatching {
    const awaited = this.awaited.get(id);
    if (awaited === undefined) return () => undefined;
    awaited.watchers.add(onRecord);
    const { record } = awaited;
    if (record !== undefined) queueMicrotask(() => { if (awaited.watchers.has(onRecord)) onRecord(record); });
    return () => { awaited.watchers.delete(onRecord); };
  }

  /** Of what came by the reply queue. False: it is no answer of Celery. */
  take(body: Buffer, { correlationId }: MessageProperties): boolean {
    const awaited = correlationId === undefined ? undefined : this.awaited.get(correlationId);
    if (awaited === undefined || !isRecord(body)) return false;
    // What is read may be a part of something larger.
    const record = Buffer.from(body);
    awaited.record = record;
    for (const tell of [...awaited.watchers]) tell(record);
    return true;
  }

  close(): Promise<void> {
    this.awaited.clear();
    return Promise.resolve();
  }
}

function isRecord(body: Buffer): boolean {
  try {
    readCeleryRecord(body);
    return true;
  } catch {
    return false;
  }
}
