import { EmbeddedBroker } from '../../lib/brokers/embedded/embedded-broker.js';
import { onTestFinished } from './test-end.js';

/** A connected broker in memory, on the exchange `e`; closed at the end of the test. */
export async function memoryBroker(): Promise<EmbeddedBroker> {
  const broker = new EmbeddedBroker({ location: undefined, exchange: 'e' });
  onTestFinished(() => broker.close(1_000));
  await broker.connect();
  return broker;
}
