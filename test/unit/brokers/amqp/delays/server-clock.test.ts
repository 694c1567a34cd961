import type { ChannelModel } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { type Difference, differenceBy, ServerClock } from '../../../../../lib/brokers/amqp/delays/server-clock.js';
import { clock } from '../../../../../lib/time/clock.js';

const AT = Date.parse('2026-11-27T12:00:07.000Z');

function connection(): ChannelModel {
  return {} as ChannelModel;
}

function clockOf(...answers: (Difference | undefined | Error)[]): { time: ServerClock; warnings: string[]; asked: () => number } {
  const warnings: string[] = [];
  let asked = 0;
  const time = new ServerClock((text) => warnings.push(text), () => {
    const answer = answers[asked++];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  return { time, warnings, asked: () => asked };
}

function ahead(time: ServerClock): [number, number] {
  const now = clock.now();
  return [Math.round((time.earliest - now) / 100) * 100, Math.round((time.latest - now) / 100) * 100];
}

describe("the server's clock", () => {
  it('is told by what the server has dead-lettered, to the second', () => {
    const headers = { 'x-death': [{ queue: 'q', reason: 'expired', time: { '!': 'timestamp', value: AT / 1000 } }] };
    expect(differenceBy(headers, AT - 200, AT + 300)).toEqual({ leastMs: -300, mostMs: 1_200 });
    expect(differenceBy({}, AT, AT)).toBeUndefined();
  });

  it('is ours as long as ours can be right', async () => {
    const { time, warnings } = clockOf({ leastMs: -999, mostMs: 3 }, { leastMs: -2, mostMs: 1_001 });
    for (let turn = 0; turn < 2; turn++) {
      await time.known(connection());
      expect(ahead(time)).toEqual([0, 0]);
    }
    expect(warnings).toEqual([]);
  });

  it('is taken from both ends where ours is wrong, told once, until it is right again', async () => {
    const { time, warnings } = clockOf({ leastMs: 44_000, mostMs: 45_000 }, { leastMs: 45_000, mostMs: 46_000 }, { leastMs: -500, mostMs: 500 });
    await time.known(connection());
    expect(ahead(time)).toEqual([44_000, 45_000]);
    expect(time.latestOf(1)).toBe(45_001);
    await time.known(connection());
    expect(ahead(time)).toEqual([45_000, 46_000]);
    expect(warnings).toEqual([expect.stringContaining('about 45 s behind')]);
    await time.known(connection());
    expect(ahead(time)).toEqual([0, 0]);
  });

  it('is asked for once on each connection, and may be refused', async () => {
    const { time, asked } = clockOf({ leastMs: -60_000, mostMs: -59_000 }, new Error('refused'), undefined);
    const first = connection();
    await Promise.all([time.known(first), time.known(first)]);
    expect(asked()).toBe(1);
    await time.known(connection());
    await time.known(connection());
    expect(asked()).toBe(3);
    // What is known stays: the clock is the same.
    expect(ahead(time)).toEqual([-60_000, -59_000]);
  });
});
