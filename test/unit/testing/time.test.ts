import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { DispatcherService } from '../../../lib/index.js';
import { milliseconds } from '../../../lib/testing/duration.js';
import { DispatcherTesting, DispatcherTestingModule } from '../../../lib/testing/index.js';
import { VirtualTime } from '../../../lib/testing/virtual-time.js';
import { clock } from '../../../lib/time/clock.js';
import { MailTasks, startTested } from './tested-app.js';

describe('virtual time', () => {
  const pass = (time: VirtualTime, ms: number): void => {
    const end = time.elapsed() + ms;
    while (time.step(end - time.elapsed()));
  };

  it('calls what is due in order, each at its time', () => {
    const time = new VirtualTime(1_000);
    const calls: string[] = [];
    const note = (name: string) => () => calls.push(`${name} ${time.now()}`);
    time.setTimeout(note('b'), 20);
    time.setTimeout(note('a'), 10);
    time.setTimeout(note('c'), 20);
    const every = time.setInterval(note('i'), 15);
    time.setTimeout(() => time.setTimeout(note('nested'), 0), 20);
    time.clear(time.setTimeout(note('never'), 5));
    pass(time, 30);
    expect(calls).toEqual(['a 1010', 'i 1015', 'b 1020', 'c 1020', 'nested 1021', 'i 1030']);
    time.clear(every);
    pass(time, 100);
    expect(calls).toHaveLength(6);
    expect([time.now(), time.elapsed(), time.nextMs]).toEqual([1_130, 130, undefined]);
  });

  it('looks once on the way, however long that is', () => {
    const time = new VirtualTime(0);
    let looks = 0;
    const look = (): void => void time.setLook(() => { looks++; look(); }, 250);
    look();
    pass(time, 86_400_000);
    expect(looks).toBe(1);
    time.setTimeout(() => undefined, 1_000);
    pass(time, 2_000);
    expect(looks).toBe(3);
  });

  it('gets on where a timer clears another that is due at the same time', () => {
    const time = new VirtualTime(0);
    const calls: string[] = [];
    time.setTimeout(() => { calls.push('one'); time.clear(other); }, 5);
    const other = time.setTimeout(() => calls.push('other'), 5);
    time.setLook(() => calls.push('look'), 3);
    pass(time, 10);
    expect(calls).toEqual(['look', 'one']);
  });
});

describe('a span of time', () => {
  it('is added up', () => {
    expect(milliseconds({ days: 1, hours: 1, minutes: 1, seconds: 1.5, milliseconds: 1 })).toBe(86_400_000 + 3_600_000 + 60_000 + 1_501);
  });

  it.each([{}, undefined, 5, { weeks: 1 }, { hours: -1 }, { hours: Number.NaN }, { hours: Infinity }, { hours: '1' }])('is not %j', (found) => {
    expect(() => milliseconds(found as object)).toThrow(/span of time was expected/);
  });
});

describe('the clock under test', () => {
  it('begins when it is told to, stands still, and goes forward only', async () => {
    const { testing } = await startTested({ now: '2030-01-01T00:00:00Z' });
    expect(clock.now()).toBe(Date.UTC(2030, 0, 1));
    await testing.clock.advanceTo('2030-01-02T00:00:00Z');
    expect(testing.clock.now).toEqual(new Date('2030-01-02T00:00:00Z'));
    await expect(testing.clock.advanceTo('2030-01-01T00:00:00Z')).rejects.toThrow(/goes forward only/);
    await expect(testing.clock.advanceTo('never')).rejects.toThrow(/ISO 8601/);
  });

  it('is given back with the last dispatcher', async () => {
    const { module } = await startTested({ now: 0 });
    expect(clock.now()).toBe(0);
    await module.close();
    expect(clock.now()).toBeGreaterThan(Date.UTC(2026, 0));
  });

  it('is shared by two calls at once, one after the other', async () => {
    const { testing } = await startTested({ now: 0 });
    await Promise.all([testing.clock.advance({ seconds: 1 }), testing.clock.advance({ seconds: 2 })]);
    expect(testing.clock.now.getTime()).toBe(3_000);
  });

  it.each([{ mode: 'auto' }, { now: 'never' }, { atLeastOnce: 'twice' }, { patienceSeconds: 0 }, { speed: 2 }])('refuses %j', (options) => {
    expect(() => new DispatcherTesting(options as object)).toThrow(/ConfigurationError|must|option/);
  });
});

describe('DispatcherTestingModule', () => {
  it('runs the tasks of single providers', async () => {
    const module = await Test.createTestingModule({ imports: [DispatcherTestingModule.forRoot({ mode: 'inline', now: 0 })], providers: [MailTasks] }).compile();
    await module.init();
    await module.get(DispatcherService).publish('mail.send', 'Ada', 1);
    expect(module.get(MailTasks).ran).toEqual(['send Ada']);
    expect(module.get(DispatcherTesting).published()).toHaveLength(1);
    await module.close();
  });
});
