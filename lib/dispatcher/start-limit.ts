import type { Broker } from '../brokers/broker.js';
import { BrokerUnavailableError } from '../errors.js';
import { messageOf } from '../task/error-text.js';
import { withoutPassword } from '../urls/credentials.js';

/**
 * The first connection and the first declarations, within the limit of the start. Brokers may be told to
 * try for ever; an application that cannot start should say so.
 *
 * @throws BrokerUnavailableError with the last failure as its cause
 */
export async function withinStart(broker: Broker, url: string, limitMs: number, start: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(broker, url, limitMs)), limitMs);
  });
  try {
    await Promise.race([start(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLate(broker: Broker, url: string, limitMs: number): BrokerUnavailableError {
  const { cause, status } = broker.state;
  return new BrokerUnavailableError(
    `The broker at ${withoutPassword(url)} could not be used within ${limitMs / 1000} s (startupTimeoutSeconds); its state is "${status}". `
    + `${cause === undefined ? '' : `Last failure: ${messageOf(cause)} `}Check that it runs and that the URL is right.`, { status }, cause);
}
