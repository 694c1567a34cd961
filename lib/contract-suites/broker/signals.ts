import { Arrivals } from './waiting.js';
import { type BrokerSuite } from './bench.js';

export function signalContract({ bench, capabilities, describe, it }: BrokerSuite): void {
  describe('signals', () => {
    it('reach everybody who watches, the sender too, until they stop', async () => {
      const broker = await bench.connect();
      const other = capabilities.outlivesItsObject ? await bench.connect() : broker;
      const [here, there, gone] = [new Arrivals<true>(), new Arrivals<true>(), new Arrivals<true>()];
      await broker.watchSignals(() => here.add(true));
      await other.watchSignals(() => there.add(true));
      const stopped = await broker.watchSignals(() => gone.add(true));
      await stopped.stop();
      await stopped.stop();
      await broker.signal();
      await Promise.all([here.count(1), there.count(1)]);
      await other.signal();
      await Promise.all([here.count(2), there.count(2)]);
      if (gone.all.length > 0) throw new Error('a watch that was stopped got a signal');
    });
  });
}
