import type { ChannelModel } from 'amqplib';
import { BrokerUnavailableError, DispatcherError } from '../../../errors.js';
import { declarationFailure } from '../topology/declaration-failure.js';
import { declareOrFind } from '../topology/declare-or-find.js';

/** Of an exchange that only we use. Where it cannot be asked for and is not there, its use is refused at once. */
export function declareOwnExchange(model: ChannelModel, name: string, type: 'fanout' | 'direct'): Promise<void> {
  return declareOrFind(model, {
    what: `Exchange "${name}"`,
    declare: (channel) => channel.assertExchange(name, type, { durable: true }),
    find: (channel) => channel.checkExchange(name),
  }, () => undefined);
}

export function exchangeFailure(error: unknown, name: string): DispatcherError {
  if (error instanceof DispatcherError) return error;
  if (typeof (error as { code?: unknown }).code === 'number') return declarationFailure(error, `Exchange "${name}"`);
  return new BrokerUnavailableError(`The connection was lost at exchange "${name}": ${(error as Error).message}.`, { exchange: name }, error);
}
