import type { BrokerEvent, BrokerStatus } from '../../brokers/broker.js';
import { clock } from '../../time/clock.js';
import { emission } from './waiting.js';
import { CLOSE_LIMIT_MS, type BrokerSuite } from './bench.js';

export function stateContract({ bench, describe, expect, it }: BrokerSuite): void {
  describe('states and events', () => {
    it('is idle until it is connected, then ready, and says that it connected', async () => {
      const broker = bench.make();
      expect(broker.state.status).toBe('idle');
      const connected = emission(broker.events, ({ type }) => type === 'broker.connected', 'broker.connected');
      await broker.connect();
      expect(broker.state.status).toBe('ready');
      // A clock that never goes back is ahead of one that is being set back, or slowed, by a little.
      expect(broker.state.since).toBeLessThanOrEqual(clock.now() + 1_000);
      await connected;
    });

    it('tells a new subscriber where it stands, then each change, and completes both streams when closed', async () => {
      const broker = await bench.connect();
      const statuses: BrokerStatus[] = [];
      const completed: string[] = [];
      broker.states.subscribe({ next: ({ status }) => statuses.push(status), complete: () => completed.push('states') });
      broker.events.subscribe({ complete: () => completed.push('events') });
      expect(statuses).toEqual(['ready']);
      await broker.close(CLOSE_LIMIT_MS);
      expect(statuses.at(-1)).toBe('closed');
      expect(broker.state.status).toBe('closed');
      expect(completed.sort()).toEqual(['events', 'states']);
    });

    it('replays no events to those who come late', async () => {
      const broker = await bench.connect();
      const seen: BrokerEvent[] = [];
      broker.events.subscribe((event) => seen.push(event));
      expect(seen).toEqual([]);
    });
  });
}
