import { describe, expect, it } from 'vitest';
import { itemAt } from '../../support/present.js';
import { Arrivals } from '../../support/wait.js';
import { bytes, MINUTE, type ResultBackendBench } from './fixture.js';

export function describeWatching({ connect }: ResultBackendBench): void {
  describe.concurrent('a watch', () => {
    it('tells what is there, and each later value, of another connection too', async () => {
      const watching = await connect();
      const writing = await connect();
      await writing.set('k', bytes('first'), MINUTE);
      const seen = new Arrivals<string>();
      const stop = watching.watch('k', (value) => seen.add(value.toString()));
      await seen.first((value) => value === 'first', 'what is there');
      await writing.set('k', bytes('second'), MINUTE);
      await seen.first((value) => value === 'second', 'the change');
      await writing.replaceIfEqual('k', bytes('second'), bytes('third'), MINUTE);
      await seen.first((value) => value === 'third', 'the replacement');
      stop();
      expect(seen.all).toEqual(['first', 'second', 'third']);
    });

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

    it('tells the last of many changes', async () => {
      const watching = await connect();
      const writing = await connect();
      const seen = new Arrivals<number>();
      const stop = watching.watch('fast', (value) => seen.add(Number(value.toString())));
      for (let number = 1; number <= 200; number++) await writing.set('fast', bytes(String(number)), MINUTE);
      await seen.first((number) => number === 200, 'the last change');
      stop();
      expect(seen.all).toEqual([...seen.all].sort((a, b) => a - b));
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

    it('says nothing once it is stopped, also from within', async () => {
      const backend = await connect();
      const seen = new Arrivals<string>();
      const stop = backend.watch('k', (value) => {
        seen.add(value.toString());
        stop();
        stop();
      });
      const others = new Arrivals<string>();
      const stopOthers = backend.watch('k', (value) => others.add(value.toString()));
      await backend.set('k', bytes('1'), MINUTE);
      await others.first((value) => value === '1', 'the first');
      await backend.set('k', bytes('2'), MINUTE);
      await others.first((value) => value === '2', 'the second');
      stopOthers();
      expect(seen.all).toEqual(['1']);
    });

    it('goes on when its callback throws', async () => {
      const backend = await connect();
      const events = new Arrivals<string>();
      const subscription = backend.events.subscribe(({ type }) => events.add(type));
      const seen = new Arrivals<string>();
      const stop = backend.watch('k', (value) => {
        seen.add(value.toString());
        throw new Error('a defect of the caller');
      });
      await backend.set('k', bytes('1'), MINUTE);
      await seen.count(1);
      await backend.set('k', bytes('2'), MINUTE);
      await seen.count(2);
      stop();
      subscription.unsubscribe();
      expect(events.all.filter((type) => type === 'results.callback-failed')).toHaveLength(2);
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
