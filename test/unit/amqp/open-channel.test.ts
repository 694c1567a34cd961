import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ChannelClosure, openChannel, openConfirmChannel, withChannel } from '../../../lib/amqp/open-channel.js';
import { BrokerUnavailableError } from '../../../lib/errors.js';
import { CHANNEL_CLOSE, said, silentServer } from '../../support/amqplib-connection.js';

/** What a channel tells whoever opened it. */
function ear() {
  const closures: ChannelClosure[] = [];
  const warnings: string[] = [];
  return { closures, warnings, closed: (closure: ChannelClosure) => void closures.push(closure), warning: (message: string) => void warnings.push(message) };
}

/** A rejection that is looked at later. */
function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => 'opened', (error: unknown) => error);
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('opening a channel', () => {
  it('tells once why it was closed later, and what one of its listeners throws', async () => {
    const server = silentServer();
    const heard = ear();
    const opening = openChannel(server.model, heard);
    await server.says(said.opened(1));
    const channel = await opening;
    channel.on('return', () => { throw new Error('a defect'); });
    channel.emit('handler-error', new Error('a defect'), 'return');
    await server.says(said.closed(1, 404));
    expect(heard).toMatchObject({ closures: [{ code: 404, text: expect.stringContaining('PLANTED') }], warnings: [expect.stringContaining('"return" event failed: a defect')] });
  });

  /** The answer and the refusal in one packet, the last: whoever waits for the answer has had no turn to listen in between. */
  it.each([
    ['an ordinary one', openChannel, [[said.opened(1), said.closed(1)]]],
    ['one with confirms, between its two answers', openConfirmChannel, [[said.opened(1), said.closed(1)]]],
    ['one with confirms, instead of the second', openConfirmChannel, [[said.opened(1)], [said.closed(1)]]],
    ['one with confirms, after both', openConfirmChannel, [[said.opened(1)], [said.confirming(1), said.closed(1)]]],
    ['one that it refuses at once', openChannel, [[said.closed(1)]]],
  ] as const)('rejects with what the server says to %s, and takes no other channel along', async (_which, open, packets) => {
    const server = silentServer();
    const heard = ear();
    const outcome = outcomeOf(open(server.model, heard));
    for (const frames of packets) await server.says(...frames);
    expect(await outcome).toMatchObject({ code: 406, message: expect.stringContaining('PLANTED') });
    expect({ broken: server.broken, told: heard.closures }).toEqual({ broken: [], told: [] });
  });

  it.each([
    ['an ordinary one', openChannel, 'channel.open', []], ['one with confirms', openConfirmChannel, 'confirm.select', []],
    ['one with confirms of which the first answer comes', openConfirmChannel, 'confirm.select', [said.opened(1)]],
  ] as const)('gives up after 30 s without an answer to %s', async (_which, open, what, frames) => {
    const server = silentServer();
    const outcome = outcomeOf(open(server.model, ear()));
    await server.says(...frames);
    await vi.advanceTimersByTimeAsync(29_900);
    expect(await Promise.race([outcome, Promise.resolve('waits')])).toBe('waits');
    await vi.advanceTimersByTimeAsync(200);
    expect(await outcome).toBeInstanceOf(BrokerUnavailableError);
    expect(await outcome).toMatchObject({ message: expect.stringContaining(`did not answer ${what} within 30 s`) });
  });

  it.each([['an ordinary one', openChannel, [said.opened(1)]], ['one with confirms', openConfirmChannel, [said.opened(1), said.confirming(1)]]] as const)(
    'closes %s whose answer comes when nobody waits for it any more', async (_which, open, frames) => {
      const server = silentServer();
      const heard = ear();
      const outcome = outcomeOf(open(server.model, heard));
      await vi.advanceTimersByTimeAsync(30_100);
      await outcome;
      for (const frame of frames) await server.says(frame);
      expect(server.asked.at(-1)).toEqual({ channel: 1, method: CHANNEL_CLOSE });
      // What the server says to it then concerns nobody.
      await server.says(said.closed(1));
      expect({ broken: server.broken, told: heard.closures }).toEqual({ broken: [], told: [] });
    });

  it('listens to a channel where amqplib shows it only when it is open', async () => {
    const server = silentServer();
    Object.assign(server.model.connection, { freshChannel: undefined });
    const heard = ear();
    const channel = { on: vi.fn(), close: async () => undefined };
    Object.assign(server.model, { createChannel: async () => channel });
    await openChannel(server.model, heard);
    expect(channel.on.mock.calls.map(([event]) => event as string)).toEqual(['error', 'close', 'handler-error']);
  });
});

describe('withChannel', () => {
  it('waits 30 s for what is asked, and 2 s for the channel to close', async () => {
    const server = silentServer();
    const outcome = outcomeOf(withChannel(server.model, (channel) => channel.checkQueue('queue')));
    await server.says(said.opened(1));
    await vi.advanceTimersByTimeAsync(32_100);
    expect(await outcome).toMatchObject({ message: expect.stringContaining('did not answer a declaration within 30 s') });
    expect(server.asked.at(-1)).toEqual({ channel: 1, method: CHANNEL_CLOSE });
  });
});
