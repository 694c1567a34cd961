import { beforeEach, describe, expect, it } from 'vitest';
import { LogPlace } from '../../../../lib/state/amqp/log-place.js';
import { Releases } from '../../../../lib/state/amqp/releases.js';

let gone: number[];
let written: number;

beforeEach(() => {
  gone = [];
  written = 0;
});

const releasesWith = (window: number): Releases => new Releases((tag) => gone.push(tag), () => written + 1, window);

/** So many records, delivered with the tags from 1 on. */
function delivered(releases: Releases, count: number): LogPlace[] {
  return Array.from({ length: count }, (_, index) => {
    const place = new LogPlace();
    releases.delivered(place, index + 1);
    return place;
  });
}

describe('Releases', () => {
  it('lets a record go once what superseded it is confirmed', () => {
    const releases = releasesWith(10);
    const [old, successor] = delivered(releases, 2);
    written = 2;
    releases.add(old!, 2, successor);
    releases.flush(1);
    expect(gone).toEqual([]);
    expect(releases.isWaiting).toBe(true);
    releases.flush(2);
    expect(gone).toEqual([1]);
    expect([releases.isWaiting, releases.stranded]).toEqual([false, 0]);
  });

  it('lets a record go that is outdated before it was delivered', () => {
    const releases = releasesWith(10);
    const place = new LogPlace();
    releases.add(place, 1);
    releases.flush(1);
    expect(gone).toEqual([]);
    releases.delivered(place, 7);
    releases.flush(1);
    expect(gone).toEqual([7]);
  });

  it('lets nothing go before those that it has superseded', () => {
    const releases = releasesWith(10);
    const [old, last] = delivered(releases, 2);
    releases.add(last!, 1);
    releases.add(old!, 5, last);
    releases.flush(4);
    expect(gone).toEqual([]);
    written = 5;
    releases.flush(5);
    expect(gone).toEqual([1]);
  });

  it('lets the last one about something go only when a later record proves that those before it have gone', () => {
    const releases = releasesWith(10);
    const [first, second, deletion] = delivered(releases, 3);
    written = 3;
    releases.add(first!, 2, second);
    releases.add(second!, 3, deletion);
    releases.add(deletion!, 3);
    releases.flush(3);
    // Between the two no proof is needed: the deletion outdates both.
    expect(gone).toEqual([1, 2]);
    releases.flush(3);
    expect(gone).toEqual([1, 2]);
    written = 4;
    releases.flush(4);
    expect(gone).toEqual([1, 2, 3]);
  });

  it('leaves alone what is far from the front, until those before it have gone', () => {
    const releases = releasesWith(3);
    const places = delivered(releases, 8);
    for (const index of [1, 4, 5, 7]) releases.add(places[index]!, 1);
    releases.flush(1);
    expect(gone).toEqual([2]);
    expect([releases.isWaiting, releases.stranded]).toEqual([false, 3]);
    for (const index of [0, 2, 3]) releases.add(places[index]!, 1);
    releases.flush(1);
    expect(gone).toEqual([2, 1, 3, 4, 5, 6, 8]);
  });

  it('counts what only waits for a confirm as near, however much it is', () => {
    const releases = releasesWith(10);
    const places = delivered(releases, 8);
    for (const place of places) releases.add(place, 99);
    const underway = new LogPlace();
    releases.add(underway, 99);
    expect([releases.isWaiting, releases.stranded]).toEqual([true, 0]);
    releases.delivered(underway, 9);
    expect(releases.stranded).toBe(0);
    releases.flush(99);
    expect([gone.length, releases.isWaiting, releases.stranded]).toEqual([9, false, 0]);
  });

  it('keeps its places through many thousands that come and go', () => {
    const releases = releasesWith(4);
    const waiting: LogPlace[] = [];
    for (let tag = 1; tag <= 10_000; tag++) {
      const place = new LogPlace();
      releases.delivered(place, tag);
      waiting.push(place);
      if (waiting.length > 2) releases.add(waiting.shift()!, 0);
      releases.flush(0);
    }
    expect(gone).toEqual(Array.from({ length: 9_998 }, (_, index) => index + 1));
  });
});
