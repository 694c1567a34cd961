import { describe, expect, it, vi } from 'vitest';
import { BrokerRefusedError, BrokerUnavailableError, currentTask, Task, type ServerConfig } from '../../../lib/index.js';
import { AbsenceWatch } from '../../../lib/dispatcher/absence-watch.js';
import { lineOf } from '../../../lib/events/event-table.js';
import type { DispatcherEvent } from '../../../lib/events/dispatcher-event.js';
import { LoopbackBroker } from '../../support/loopback-broker.js';
import { startApp, startFailure } from '../../support/nest-app.js';
import { Arrivals, Signal } from '../../support/wait.js';

class Tasks {
  static readonly ran = new Arrivals<string | undefined>();
  @Task('note') note(): void { Tasks.ran.add(currentTask()?.uuid); }
}

function brokerThatIsAway(): { broker: LoopbackBroker; comes: Signal } {
  const broker = new LoopbackBroker();
  const comes = new Signal();
  broker.onConnect = () => comes.promise;
  return { broker, comes };
}

const BACKGROUND: Partial<ServerConfig> = { startup: 'background', startupTimeoutSeconds: 0.01 };

describe('a start in the background', () => {
  it('does not wait for the broker, and works once it is there', async () => {
    const { broker, comes } = brokerThatIsAway();
    const { service, log } = await startApp({ providers: [Tasks] }, BACKGROUND, { broker });
    expect(log.of('log')[0]).toContain('without waiting for the broker');
    expect(service.health()).toMatchObject({ status: 'degraded', details: { connection: 'connecting' } });
    const published = service.publish('note');
    expect(broker.calls).toEqual(['connect']);
    comes.fire();
    const { uuid } = await published;
    await Tasks.ran.first((ran) => ran === uuid, 'the task that was published before the connection');
    expect(service.health().status).toBe('up');
  });

  it('rejects what has waited for publishTimeoutSeconds, and everything else that needs the broker', async () => {
    const { broker } = brokerThatIsAway();
    const { service } = await startApp({ providers: [Tasks] }, { ...BACKGROUND, publishTimeoutSeconds: 0.05 }, { broker });
    const away = { code: 'ERR_DISPATCHER_BROKER_UNAVAILABLE', message: expect.stringContaining('publishTimeoutSeconds') as string };
    await expect(service.publish('note')).rejects.toMatchObject(away);
    await expect(service.publishMany([{ name: 'note' }])).rejects.toMatchObject(away);
    await expect(service.depth('queue_1')).rejects.toMatchObject(away);
    await expect(service.createWorker({ name: 'more', queue: 'more' }, { x: { function: () => 1 } })).rejects.toMatchObject(away);
    expect(service.health().status).toBe('down');
  });

  it('tells what the broker refuses, and tries again after a while', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const broker = new LoopbackBroker();
      let password = 'wrong';
      broker.onConnect = () => (password === 'wrong' ? Promise.reject(new BrokerRefusedError('wrong password')) : Promise.resolve());
      const { log } = await startApp({ providers: [Tasks] }, BACKGROUND, { broker });
      await vi.advanceTimersByTimeAsync(0);
      expect(log.of('error')).toEqual([expect.stringMatching(/application runs without it; next in 60 s: wrong password/)]);
      password = 'right';
      await vi.advanceTimersByTimeAsync(60_000);
      expect(log.of('log').at(-1)).toMatch(/Ready on exchange/);
    } finally {
      vi.useRealTimers();
    }
  });

  it('gives up where the attempts are counted', async () => {
    const broker = new LoopbackBroker();
    broker.onConnect = () => Promise.reject(new BrokerUnavailableError('spent'));
    const { service, log } = await startApp({ providers: [Tasks] }, { ...BACKGROUND, reconnectionRetries: 0 }, { broker });
    await expect(service.publish('note')).rejects.toThrow('spent');
    expect(log.of('error')).toEqual([expect.stringMatching(/this was the last attempt: spent/)]);
  });

  it('still shows a mistake of the configuration', async () => {
    const { broker } = brokerThatIsAway();
    expect((await startFailure({}, { ...BACKGROUND, workers: [{ name: 'w', queue: 'q', tasks: ['nothing'] }] }, { broker })).message).toMatch(/lists the task "nothing"/);
  });

  it('ends when it is closed before the broker was there', async () => {
    const { broker } = brokerThatIsAway();
    const { app, service } = await startApp({ providers: [Tasks] }, BACKGROUND, { broker });
    await app.close();
    expect(broker.calls).toEqual(['connect', 'close']);
    expect(service.health().status).toBe('down');
  });
});

describe('a start that fails fast', () => {
  it('fails with the first attempt that fails', async () => {
    const { broker } = brokerThatIsAway();
    broker.onConnect = () => {
      broker.events.next({ type: 'broker.connect-failed', attempt: 1, retryInMs: 100, error: new BrokerUnavailableError('nobody listens') });
      return new Promise(() => undefined);
    };
    expect((await startFailure({}, { startup: 'fail-fast' }, { broker })).message).toBe('nobody listens');
    expect(broker.calls.at(-1)).toBe('close');
  });
});

describe('while the broker is away', () => {
  function watched(startup: ServerConfig['startup'] & string): { broker: LoopbackBroker; lines: string[] } {
    const broker = new LoopbackBroker();
    const lines: string[] = [];
    new AbsenceWatch({ broker, startup, startupTimeoutMs: 30_000, now: () => Date.parse('2026-05-01T12:00:00Z'), emit: (event: DispatcherEvent) => lines.push(lineOf(event).text) });
    return { broker, lines };
  }

  it.each([
    ['wait', 'It is tried until 2026-05-01T12:00:30.000Z; then the application does not start (startupTimeoutSeconds).'],
    ['fail-fast', 'It is tried until 2026-05-01T12:00:30.000Z; then the application does not start (startupTimeoutSeconds).'],
    ['background', 'The application runs without it; what is published waits.'],
  ] as const)('a line every few seconds says so at the first start (%s)', async (startup, next) => {
    vi.useFakeTimers();
    const { broker, lines } = watched(startup);
    broker.become('connecting');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(lines).toEqual([`Waiting for the broker for 5 s: the first attempt has no answer yet. ${next}`]);
    const error = new BrokerUnavailableError('The broker cannot be reached: connect ECONNREFUSED.', { reason: 'connect ECONNREFUSED' });
    broker.events.next({ type: 'broker.connect-failed', attempt: 7, retryInMs: 7_000, error });
    broker.states.next({ status: 'connecting', since: 0, cause: error });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(lines.at(-1)).toBe(`Waiting for the broker for 10 s: attempt 7 failed (connect ECONNREFUSED); next in 2 s. ${next}`);
    await vi.advanceTimersByTimeAsync(50_000 + 600_000);
    expect(lines).toHaveLength(12 + 10);
    expect(lines.join(' ')).not.toMatch(/lost|back/);
    broker.become('ready');
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it('says that it is not back where it was there', async () => {
    vi.useFakeTimers();
    const { broker, lines } = watched('wait');
    broker.become('ready');
    broker.become('lost');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(lines).toEqual(['The broker is not back for 5 s: the first attempt has no answer yet. Running tasks go on; what is published waits.']);
    await broker.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});
