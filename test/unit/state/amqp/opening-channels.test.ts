import type { ChannelModel } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BrokerUnavailableError, ResultBackendUnavailableError } from '../../../../lib/errors.js';
import { KeeperChannel } from '../../../../lib/state/amqp/keeper-channel.js';
import { LedgerClient } from '../../../../lib/state/amqp/ledger-client.js';
import { ledgerFailure } from '../../../../lib/state/amqp/ledger-failure.js';
import { declareLedgerQueues } from '../../../../lib/state/amqp/ledger-queues.js';
import { CHANNEL_CLOSE, said, silentServer } from '../../../support/amqplib-connection.js';
import { itemAt } from '../../../support/present.js';

const QUEUES = { records: 'ledger', requests: 'requests', returns: 'returns', type: 'classic' } as const;

interface Opening {
  readonly what: string;
  readonly open: (model: ChannelModel, lost: (error: Error) => void) => Promise<unknown>;
  /** The answers that its first channel gets. */
  readonly answers: readonly Buffer[];
}

const OPENINGS: readonly Opening[] = [
  { what: 'the declaration of its queues', open: (model) => declareLedgerQueues(model, QUEUES), answers: [said.opened(1)] },
  {
    what: 'who asks', answers: [said.opened(1)],
    open: (model, lost) => LedgerClient.open(model, { queues: QUEUES, display: 'amqp://host', answerLimitMs: 10_000 }, { lost, told: () => undefined, answeredBy: () => undefined, warning: () => undefined }),
  },
  {
    what: 'who keeps it', answers: [said.opened(1), said.confirming(1)],
    open: (model, lost) => KeeperChannel.open(model, QUEUES, { lost, delivered: () => undefined, requested: () => undefined, warning: () => undefined }),
  },
];

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

describe.each(OPENINGS)('a channel of the ledger, for $what', ({ open, answers }) => {
  function opening() {
    const server = silentServer();
    const lost: Error[] = [];
    const outcome = open(server.model, (error) => lost.push(error)).then(() => 'opened', (error: unknown) => error);
    return { server, lost, outcome };
  }

  it('is waited for 30 s, and what comes then is closed', async () => {
    const { server, lost, outcome } = opening();
    await vi.advanceTimersByTimeAsync(30_100);
    const error = await outcome;
    expect(error).toBeInstanceOf(BrokerUnavailableError);
    expect(ledgerFailure(error, 'amqp://host')).toBeInstanceOf(ResultBackendUnavailableError);
    for (const answer of answers) await server.says(answer);
    expect(server.asked.at(-1)).toEqual({ channel: 1, method: CHANNEL_CLOSE });
    expect({ lost, broken: server.broken }).toEqual({ lost: [], broken: [] });
  });

  it('may be closed by the packet that opens it, without an end of the connection', async () => {
    const { server, outcome } = opening();
    for (const answer of answers.slice(0, -1)) await server.says(answer);
    await server.says(...answers.slice(-1), said.closed(1, 504));
    expect(await outcome).toMatchObject({ code: 504 });
    expect(server.broken).toEqual([]);
  });
});

describe('what is asked on a channel of the ledger', () => {
  it('is waited for 30 s: its consumer of answers', async () => {
    const { open } = itemAt(OPENINGS, 1);
    const server = silentServer();
    const outcome = open(server.model, () => undefined).then(() => 'opened', (error: unknown) => error);
    await server.says(said.opened(1));
    await vi.advanceTimersByTimeAsync(30_100);
    expect(await outcome).toMatchObject({ message: expect.stringContaining('did not answer basic.consume') });
  });

  it('is not asked once the first of a keeper\'s two channels is gone while the second is opened', async () => {
    const { open } = itemAt(OPENINGS, 2);
    const server = silentServer();
    const lost: string[] = [];
    const outcome = open(server.model, (error) => lost.push(error.message)).then(() => 'opened', (error: unknown) => error);
    for (const frame of [said.opened(1), said.confirming(1)]) await server.says(frame);
    await server.says(said.closed(1), said.opened(2));
    await outcome;
    expect({ lost, broken: server.broken }).toEqual({ lost: [expect.stringContaining('PLANTED')], broken: [] });
  });
});
