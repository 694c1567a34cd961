import type { Channel, ChannelModel } from 'amqplib';
import { missingRightIn, missingRightText } from '../../../amqp/missing-right.js';
import { BrokerRefusedError } from '../../../errors.js';
import { withChannel } from '../../../amqp/open-channel.js';
import { declarationFailure } from './declaration-failure.js';

export interface Declaration {
  /** As it stands in errors: `Queue "q"`. */
  readonly what: string;
  readonly declare: (channel: Channel) => Promise<unknown>;
  /** Asks whether it is there, without making it. */
  readonly find: (channel: Channel) => Promise<unknown>;
}

/**
 * Declares something. Where the user has no right to do so, what exists already will do: whoever only publishes, or only
 * takes from a queue that others have made, needs no right to make one.
 *
 * @param unsure told where even the question needs the right that is missing (from RabbitMQ 4.3 on): it is then taken to exist
 */
export async function declareOrFind(model: ChannelModel, { what, declare, find }: Declaration, unsure: (message: string) => void): Promise<void> {
  try {
    await withChannel(model, declare);
  } catch (error) {
    const refusal = declarationFailure(error, what);
    const missing = missingRightIn(textOf(error));
    if (missing?.right !== 'configure') throw refusal;
    try {
      await withChannel(model, find);
    } catch (failure) {
      const { code } = failure as { code?: unknown };
      if (code === 404) throw new BrokerRefusedError(`There is no ${what}, and it cannot be made here. ${missingRightText(missing)}`, refusal.fields, error);
      if (code !== 403) throw declarationFailure(failure, what);
      unsure(`${what} could not be declared, nor could the broker be asked for it; it is taken to exist. ${missingRightText(missing)}`);
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
