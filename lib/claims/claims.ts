import { createHash, randomUUID } from 'node:crypto';
import type { Message } from '../brokers/broker.js';
import { ClaimStoreError, InvalidBodyError } from '../errors.js';
import { messageOf } from '../task/error-text.js';
import { Header } from '../task/headers.js';
import type { TaskHeaders } from '../task/task.js';
import { clock } from '../time/clock.js';
import { Timer } from '../time/timer.js';
import { CLAIM_KEY, type ClaimStore } from './claim-store.js';

/** What is written in the place of the body: `<key> <bytes> <SHA-256, base64url>`, the same as in the header. */
const FORM = /^(\S{1,100}) (\d{1,15}) ([A-Za-z0-9_-]{43})$/;

interface Claim {
  readonly key: string;
  readonly bytes: number;
  readonly digest: string;
}

export interface ClaimsDependencies {
  readonly store: ClaimStore;
  /** Bodies of so many bytes and more are kept there. */
  readonly minBytes: number;
  /** No larger one is taken. */
  readonly maxBytes: number;
  /** A store that has not answered by then is taken for one that is away. */
  readonly timeoutMs: number;
  /** Whether another system reads this format. */
  readonly isOfOthers: (format: unknown) => boolean;
}

/** Whether the body of a message is elsewhere. */
export function hasClaim({ headers }: Message['properties']): boolean {
  const claim = headers?.[Header.claim];
  return claim !== undefined && claim !== '';
}

/** Keeps what is large in a store, and lets a note of it travel. */
export class Claims {
  constructor(private readonly dependencies: ClaimsDependencies) {}

  /** `undefined`: it travels as it is. Otherwise the body is kept when this resolves, and the note may be published. */
  leave(message: Message): Promise<Message> | undefined {
    const { headers } = message.properties;
    if (message.body.length < this.dependencies.minBytes || headers?.[Header.task] === undefined || hasClaim(message.properties)) return undefined;
    // The body of what another system reads stays where that system looks for it.
    if (this.dependencies.isOfOthers(headers[Header.format])) return undefined;
    return this.left(message);
  }

  /** `undefined`: there is none. @throws what the store throws; InvalidBodyError for what is no claim, or another body than was left */
  async redeem({ properties }: Message): Promise<Buffer | undefined> {
    const { key, bytes, digest } = claimIn(properties.headers);
    const { store, maxBytes } = this.dependencies;
    const body = await this.answered(() => store.get(key, maxBytes));
    if (body === undefined || (body.length === bytes && digestOf(body) === digest)) return body;
    throw new InvalidBodyError(`The body in the claim store is another than was left there (${key}): it has ${body.length} bytes, and should have ${bytes}.`, { key, bytes: body.length });
  }

  /** @throws InvalidBodyError for what is no claim */
  keyOf({ properties }: Message): string {
    return claimIn(properties.headers).key;
  }

  async remove(key: string): Promise<void> {
    await this.answered(() => this.dependencies.store.delete(key));
  }

  private async left({ body, properties }: Message): Promise<Message> {
    const { store } = this.dependencies;
    const key = `${clock.date().toISOString().slice(0, 10)}/${randomUUID()}`;
    try {
      await this.answered(() => store.put(key, body));
    } catch (error) {
      throw new ClaimStoreError(`A body of ${body.length} bytes could not be put into the claim store: ${messageOf(error)} Nothing was sent; try again.`, { bytes: body.length }, error);
    }
    const claim = `${key} ${body.length} ${digestOf(body)}`;
    return { body: Buffer.from(claim), properties: { ...properties, headers: { ...properties.headers, [Header.claim]: claim } } };
  }

  /** A store that hangs holds neither who publishes nor a slot of a worker. */
  private async answered<T>(ask: () => Promise<T>): Promise<T> {
    const { timeoutMs } = this.dependencies;
    let giveUp = (): void => undefined;
    const timeUp = new Promise<never>((_resolve, reject) => {
      giveUp = () => { reject(new Error(`It has not answered within ${timeoutMs / 1000} s (claimCheck.timeoutSeconds).`)); };
    });
    const timer = new Timer(timeoutMs, giveUp);
    try {
      return await Promise.race([ask(), timeUp]);
    } finally {
      timer.cancel();
    }
  }
}

/** @throws InvalidBodyError */
function claimIn(headers: TaskHeaders | undefined): Claim {
  const text = headers?.[Header.claim];
  const [, key = '', bytes = '', digest = ''] = (typeof text === 'string' ? FORM.exec(text) : undefined) ?? [];
  if (CLAIM_KEY.test(key)) return { key, bytes: Number(bytes), digest };
  throw new InvalidBodyError(`The header ${Header.claim} is no claim: it must be a key, a number of bytes and a digest.`);
}

function digestOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('base64url');
}
