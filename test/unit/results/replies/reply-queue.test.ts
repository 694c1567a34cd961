import { beforeEach, describe, expect, it } from 'vitest';
import type { Message, MessageProperties, Replies } from '../../../../lib/brokers/broker.js';
import { BrokerRefusedError, BrokerUnavailableError } from '../../../../lib/index.js';
import { ReplyQueue } from '../../../../lib/results/replies/reply-queue.js';

const REPLIES: Replies = { address: 'mine', close: () => Promise.resolve() };

let opened: ((message: Message) => void)[];
let onOpen: () => Promise<Replies>;
let warnings: string[];
let clock: number;
let queue: ReplyQueue;

beforeEach(() => {
  opened = [];
  warnings = [];
  clock = 0;
  onOpen = () => Promise.resolve(REPLIES);
  queue = new ReplyQueue({
    openReplies: (onReply) => {
      opened.push(onReply);
      return onOpen();
    },
  }, { warn: (message) => warnings.push(message), now: () => clock });
});

const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

describe('the reply queue of a process', () => {
  it('is opened once for both roles, and gives each what is of its types', async () => {
    const [reports, notes]: [string[], string[]] = [[], []];
    queue.on(['report'], ({ body }) => reports.push(body.toString())).on(['unheard', 'heard'], ({ properties }) => notes.push(properties.type ?? ''));
    expect([queue.address, queue.addressIfOpen()]).toEqual([undefined, undefined]);
    expect(await Promise.all([queue.open(), queue.open()])).toEqual([REPLIES, REPLIES]);
    expect([opened.length, queue.address, queue.addressIfOpen()]).toEqual([1, 'mine', 'mine']);
    const arrive = (body: string, properties: MessageProperties): void => opened[0]?.({ body: Buffer.from(body), properties });
    arrive('one', { type: 'report' });
    arrive('', { type: 'heard' });
    arrive('', { type: 'unheard' });
    arrive('of the future', { type: 'something else' });
    arrive('of nobody', {});
    expect([reports, notes]).toEqual([['one'], ['heard', 'unheard']]);
  });

  it('that cannot be opened is tried again: at once by who needs it, after a while by who does without', async () => {
    onOpen = () => Promise.reject(new BrokerUnavailableError('away'));
    await expect(queue.open()).rejects.toThrow('away');
    await expect(queue.open()).rejects.toThrow('away');
    for (let call = 0; call < 5; call++) {
      expect(queue.addressIfOpen()).toBeUndefined();
      await settled();
    }
    expect([opened.length, warnings]).toEqual([3, []]);
    clock = 5_000;
    onOpen = () => Promise.resolve(REPLIES);
    queue.addressIfOpen();
    await settled();
    expect([queue.addressIfOpen(), opened.length]).toEqual(['mine', 4]);
  });

  it('that the broker refuses is told once, by who does without it', async () => {
    onOpen = () => Promise.reject(new BrokerRefusedError('no permission'));
    for (let call = 0; call < 3; call++) {
      queue.addressIfOpen();
      await settled();
      clock += 59_999;
      queue.addressIfOpen();
      await settled();
      clock++;
    }
    expect(opened).toHaveLength(3);
    expect(warnings).toEqual([expect.stringMatching(/goes on sending it.*replies\.\*.*no permission/)]);
  });

  it('is an error of the configuration where the broker has none', async () => {
    await expect(new ReplyQueue({}, { warn: () => undefined, now: () => 0 }).open()).rejects.toMatchObject({ code: 'ERR_DISPATCHER_CONFIGURATION' });
  });
});
