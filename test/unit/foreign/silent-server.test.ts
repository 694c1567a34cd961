import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ResultBackendError } from '../../../lib/errors.js';
import type { AmqpLink } from '../../../lib/foreign/amqp/amqp-link.js';
import { Pidbox } from '../../../lib/foreign/celery/pidbox.js';
import { AmqpMachineryStore } from '../../../lib/foreign/machinery/amqp-machinery-store.js';
import { CHANNEL_CLOSE, said, silentServer } from '../../support/amqplib-connection.js';

/** Takes what it is asked and says nothing: a half-open connection, or a server that has stopped in the middle. */
function silent() {
  const server = silentServer();
  const link = { display: 'amqp://silent', model: () => Promise.resolve(server.model), close: () => Promise.resolve() } as unknown as AmqpLink;
  return { server, link, closings: () => server.asked.filter(({ method }) => method === CHANNEL_CLOSE).map(({ channel }) => channel) };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe('a server that does not answer any more', () => {
  it.each([
    ['a state is read', (store: AmqpMachineryStore) => store.read('task-1')],
    ['a state is written', (store: AmqpMachineryStore) => store.write([{ TaskUUID: 'task-1', TaskName: 'add', State: 'SUCCESS' } as never])],
    ['a group is looked at', (store: AmqpMachineryStore) => store.complete({ uuid: 'task-1', group: 'group-1', count: 2, state: { TaskUUID: 'task-1' } as never })],
  ])('is waited for 30 s where %s of machinery, and what the channel holds is given back', async (_what, ask) => {
    const { server, link, closings } = silent();
    const store = new AmqpMachineryStore(link, { exchange: 'machinery', expiresInMs: 60_000 });
    const outcome = ask(store).then(() => 'answered', (error: unknown) => error);
    await server.says(said.opened(1));
    await server.says(said.confirming(1));
    await vi.advanceTimersByTimeAsync(32_100);
    expect(await outcome).toBeInstanceOf(ResultBackendError);
    expect(await outcome).toMatchObject({ retryable: true, message: expect.stringContaining('did not answer queue.declare within 30 s') });
    expect(closings()).toEqual([1]);
  });

  it('gets a new channel the next time', async () => {
    const { server, link } = silent();
    const store = new AmqpMachineryStore(link, { exchange: 'machinery', expiresInMs: 60_000 });
    const first = store.read('task-1').catch((error: unknown) => error);
    await server.says(said.opened(1));
    await server.says(said.confirming(1));
    await vi.advanceTimersByTimeAsync(32_100);
    await first;
    const second = store.read('task-1').catch((error: unknown) => error);
    await server.says(said.opened(2));
    expect(server.asked.filter(({ method }) => method === server.asks.CHANNEL_OPEN).map(({ channel }) => channel)).toEqual([1, 2]);
    await vi.advanceTimersByTimeAsync(32_100);
    await second;
  });

  it('does not hold up whoever listens for revoked tasks of Celery: it is warned of, and asked again', async () => {
    const { server, link } = silent();
    const warnings: string[] = [];
    const pidbox = new Pidbox(link, () => undefined, (message) => void warnings.push(message));
    const started = pidbox.start();
    await server.says(said.opened(1));
    await vi.advanceTimersByTimeAsync(32_100);
    await started;
    expect(warnings).toEqual([expect.stringContaining('did not answer a declaration within 30 s')]);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(server.asked.filter(({ method }) => method === server.asks.CHANNEL_OPEN)).toHaveLength(2);
    await pidbox.stop();
  });
});
