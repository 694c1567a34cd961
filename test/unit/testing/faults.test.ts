import { describe, expect, it } from 'vitest';
import { BrokerUnavailableError } from '../../../lib/index.js';
import { startTested } from './tested-app.js';

describe('a broker that is down', () => {
  it('lets publishers wait, and run out of time', async () => {
    const { testing, dispatcher, mail } = await startTested({}, { publishTimeoutSeconds: 30 });
    testing.broker.down();
    expect(dispatcher.state.status).toBe('lost');
    const [lost, kept] = [dispatcher.publish('mail.send', 'lost', 1), dispatcher.publish('mail.send', { args: ['kept', 1], delaySeconds: 10 })];
    const refused = expect(lost).rejects.toBeInstanceOf(BrokerUnavailableError);
    void kept.catch(() => undefined);
    await testing.clock.advance({ seconds: 31 });
    await refused;
    await expect(kept).rejects.toBeInstanceOf(BrokerUnavailableError);
    const later = dispatcher.publish('mail.send', 'later', 1);
    await testing.clock.advance({ seconds: 5 });
    testing.broker.up();
    await later;
    await testing.drain();
    expect(dispatcher.state.status).toBe('ready');
    expect(mail.ran).toEqual(['send later']);
  });

  it('gives again what a worker had in its hands', async () => {
    const { testing, dispatcher, mail } = await startTested();
    await dispatcher.publish('mail.hang');
    await testing.clock.advance({ seconds: 1 });
    testing.broker.down();
    testing.broker.up();
    await testing.clock.advance({ seconds: 100 });
    // It ran on meanwhile, and was not run twice at once.
    expect(mail.ran).toEqual(['hang']);
    expect(testing.outcomes).toMatchObject([{ name: 'mail.hang', state: 'failed', reason: 'timed-out' }]);
  });

  it('keeps what waits, and waits out delays meanwhile', async () => {
    const { testing, dispatcher, mail } = await startTested();
    await dispatcher.publish('mail.send', { args: ['delayed', 1], delaySeconds: 60 });
    testing.broker.down();
    await testing.clock.advance({ minutes: 5 });
    expect(mail.ran).toEqual([]);
    testing.broker.up();
    await testing.drain();
    expect(mail.ran).toEqual(['send delayed']);
  });
});

describe('a task that comes again', () => {
  it('is delivered once more after it has ended, and says so', async () => {
    const { testing, dispatcher, mail } = await startTested();
    const { uuid } = await dispatcher.publish('mail.send', 'Ada', 1);
    await testing.drain();
    testing.redeliver(uuid);
    await testing.drain();
    expect(mail.contexts).toEqual([{ attempt: 1, redelivered: false }, { attempt: 1, redelivered: true }]);
  });

  it('is not known where it never was', async () => {
    const { testing } = await startTested();
    expect(() => testing.redeliver('no-such-task')).toThrow(/has run here/);
  });

  it('comes twice each, where that is to be seen', async () => {
    const { testing, dispatcher, mail } = await startTested({ atLeastOnce: 'always-twice' });
    await dispatcher.publish('mail.send', 'Ada', 1);
    await dispatcher.publish('mail.send', 'Bob', 1);
    await dispatcher.publish('mail.fail');
    await testing.drain({ delayed: true });
    expect(mail.ran.filter((ran) => ran === 'send Ada')).toHaveLength(2);
    expect(mail.ran.filter((ran) => ran === 'send Bob')).toHaveLength(2);
    expect(mail.ran.filter((ran) => ran === 'fail')).toHaveLength(4);
    expect(mail.contexts.map(({ redelivered }) => redelivered).sort()).toEqual([false, false, true, true]);
  });
});

describe('failNext', () => {
  it('fails the next runs of a name, and no others', async () => {
    const { testing, dispatcher, mail } = await startTested();
    testing.failNext('mail.send', new Error('full disk'), 2);
    for (const name of ['a', 'b', 'c']) await dispatcher.publish('mail.send', name, 1);
    await testing.drain();
    expect(mail.ran).toHaveLength(1);
    expect(testing.outcomes.map(({ state }) => state).sort()).toEqual(['failed', 'failed', 'succeeded']);
    expect(testing.outcomes.find(({ state }) => state === 'failed')?.error).toMatchObject({ message: 'full disk' });
    expect(() => testing.failNext('mail.send', new Error('x'), 0)).toThrow(/times/);
  });
});
