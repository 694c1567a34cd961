import { describe, expect, it } from 'vitest';
import { dispatcherMatchers, DispatcherTesting, taskOf } from '../../../lib/testing/index.js';
import type {} from '../../../lib/testing/vitest.mjs';
import { MailTasks, ReportTasks, startTested } from './tested-app.js';

expect.extend(dispatcherMatchers);

describe('what was published', () => {
  it('is kept with all that was said of it', async () => {
    const { testing, dispatcher } = await startTested({ mode: 'manual' }, { workers: [{ name: 'w', queue: 'mail', bindingKeys: ['tasks'], priorities: true }] });
    const at = testing.clock.now;
    const { uuid } = await dispatcher.publish('mail.send', {
      args: [new Date(0), 2], delaySeconds: 1.5, priority: 'high', expiresInSeconds: 60, headers: { tenant: 'a' }, unique: { scope: 'untilFinished', seconds: 30 },
    });
    expect(testing.published('mail.send')).toEqual([{
      uuid, name: 'mail.send', args: ['1970-01-01T00:00:00.000Z', 2], dispatcher: 'default', routingKey: 'tasks', queues: ['mail'], delaySeconds: 1.5, publishedAt: at,
      expiresAt: new Date(at.getTime() + 60_000), priority: 'high', unique: { scope: 'untilFinished', seconds: 30 }, headers: { tenant: 'a' },
    }]);
  });

  it('holds each task once, whatever its retries, and not those that were refused', async () => {
    const { testing, dispatcher } = await startTested();
    await dispatcher.publish('mail.fail');
    await dispatcher.publish({ name: 'mail.send', routingKey: 'nowhere' }).catch(() => undefined);
    for (let time = 0; time < 2; time++) await dispatcher.publish('mail.send', { args: ['x', 1], delaySeconds: 60, unique: { scope: 'untilFinished' } });
    await testing.drain({ delayed: true });
    expect(testing.published().map(({ name }) => name)).toEqual(['mail.fail', 'mail.send']);
    testing.clear();
    expect([testing.published(), testing.outcomes]).toEqual([[], []]);
  });

  it('names the schedule of a tick', async () => {
    const { testing } = await startTested({}, {}, [MailTasks, ReportTasks]);
    await testing.clock.advanceTo('2026-03-01T02:00:01Z');
    expect(testing.published('report.hourly').map(({ schedule, publishedAt }) => [schedule, publishedAt.toISOString()])).toEqual([
      ['report.hourly', '2026-03-01T01:00:00.000Z'], ['report.hourly', '2026-03-01T02:00:00.000Z'],
    ]);
  });
});

describe('toHavePublished', () => {
  const failure = (check: () => void): string => {
    try {
      check();
    } catch (error) {
      return (error as Error).message.replace(/\u001b\[\d+m/g, '');
    }
    throw new Error('nothing was thrown');
  };

  it('fits by name, arguments and options', async () => {
    const { testing, dispatcher } = await startTested();
    await dispatcher.client(MailTasks, { delaySeconds: 60 }).send('Ada', 2);
    expect(testing).toHavePublished('mail.send');
    expect(testing).toHavePublished(taskOf(MailTasks, 'send'), ['Ada', 2], { delaySeconds: 60, queue: 'mail', unique: false, priority: 'normal', routingKey: 'tasks', times: 1 });
    expect(testing).toHavePublished('mail.send', [expect.stringMatching(/^A/), expect.any(Number)]);
    expect(testing).not.toHavePublished('mail.send', ['Bob', 2]);
    expect(testing).not.toHavePublished('mail.send', ['Ada', 2], { delaySeconds: 61 });
    expect(testing).not.toHavePublished('mail.send', ['Ada', 2], { times: 2 });
    // @ts-expect-error -- a number is no text
    expect(testing).not.toHavePublished(taskOf(MailTasks, 'send'), [1, 2]);
    // @ts-expect-error -- there is no such method
    expect(() => taskOf(MailTasks, 'sent')).toThrow(/Did you mean "send"/);
  });

  it('shows how those of the name differ', async () => {
    const { testing, dispatcher } = await startTested();
    await dispatcher.publish('mail.send', { args: ['Ada', 2], delaySeconds: 60 });
    const text = failure(() => expect(testing).toHavePublished('mail.send', ['Ada', 3], { delaySeconds: 60 }));
    expect(text).toMatch(/1 of that name differ/);
    expect(text).toMatch(/-\s+3,[^]*\+\s+2,/);
    expect(text).toMatch(/delaySeconds/);
  });

  it('says what was published instead, and what was not to be', async () => {
    const { testing, dispatcher } = await startTested();
    expect(failure(() => expect(testing).toHavePublished('mail.send'))).toMatch(/no task of that name was\. Published: none/);
    await dispatcher.publish('mail.send', 'Ada', 1);
    expect(failure(() => expect(testing).toHavePublished('mail.sent'))).toMatch(/Published: "mail\.send"/);
    expect(failure(() => expect(testing).not.toHavePublished('mail.send'))).toMatch(/was not published, but it was: [^]*"Ada",\s+1/);
    expect(failure(() => expect(testing).toHavePublished('mail.send', ['Ada', 1], { times: 3 }))).toMatch(/3 times; it was 1 times/);
  });

  it('takes nothing else', () => {
    expect(failure(() => expect({} as DispatcherTesting).toHavePublished('x'))).toMatch(/takes a DispatcherTesting/);
    expect(failure(() => expect(new DispatcherTesting()).toHavePublished('x', [], { delay: 1 } as object))).toMatch(/no option "delay"/);
  });
});
