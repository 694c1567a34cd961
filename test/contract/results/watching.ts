import { describe, expect, it } from 'vitest';
import { itemAt } from '../../support/present.js';
import { Arrivals } from '../../support/wait.js';
import { bytes, MINUTE, type ResultBackendBench } from './fixture.js';

export function describeWatching({ connect }: ResultBackendBench): void {
  describe.concurrent('a watch', () => {
    it('tells a value that comes later, by setIfAbsent too', async () => {
      const watching = await connect();
      const writing = await connect();
      const seen = new Arrivals<string>();
      const stop = watching.watch('later', (value) => seen.add(value.toString()));
      // The watch has begun once its own marker has come through.
      const marker = new Arrivals<string>();
      const stopMarker = watching.watch('marker', (value) => marker.add(value.toString()));
      await writing.set('marker', bytes('m'), MINUTE);
      await marker.count(1);
      await writing.setIfAbsent('later', bytes('here'), MINUTE);
      await seen.count(1);
      stop();
      stopMarker();
      expect(seen.all).toEqual(['here']);
    });

    it('brings large values', async () => {
      const watching = await connect();
      const writing = await connect();
      const value = Buffer.alloc(500_000, 3);
      const seen = new Arrivals<Buffer>();
      const stop = watching.watch('large', seen.add);
      await writing.set('large', value, MINUTE);
      await seen.count(1);
      stop();
      expect(itemAt(seen.all, 0).equals(value)).toBe(true);
    });

    it('is one of a thousand', async () => {
      const watching = await connect();
      const writing = await connect();
      const seen = new Arrivals<string>();
      const stops = Array.from({ length: 1000 }, (_, index) => watching.watch(`k${index}`, (value) => seen.add(value.toString())));
      await Promise.all(stops.map((_, index) => writing.set(`k${index}`, bytes(`v${index}`), MINUTE)));
      await seen.count(1000);
      for (const stop of stops) stop();
      expect(new Set(seen.all)).toEqual(new Set(stops.map((_, index) => `v${index}`)));
      expect(seen.all).toHaveLength(1000);
    });
  });
}
