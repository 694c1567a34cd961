import type { Channel, ChannelModel } from 'amqplib';
import { withChannel } from '../../../amqp/open-channel.js';
import { CLASSIC } from '../../../amqp/queue-forms.js';
import { brokerDeaths } from '../../../task/broker-death.js';
import type { TaskHeaders } from '../../../task/task.js';
import { clock } from '../../../time/clock.js';
import { within } from '../../../time/within.js';

const ANSWER_LIMIT_MS = 5_000;
/** Who may not ask, or got no answer, asks again after this. */
const AGAIN_MS = 300_000;
const SECOND_MS = 1_000;

/** By how much the server's clock is ahead of ours: between these. */
export interface Difference {
  readonly leastMs: number;
  readonly mostMs: number;
}

const NONE: Difference = { leastMs: 0, mostMs: 0 };

/**
 * The time by the server's clock, by which all processes of an exchange can agree when something is due, also those that never
 * live at the same time. It tells whole seconds alone, so a clock that can be right is taken to be right: only one that is
 * certain to be wrong is corrected, and then so that nothing is early, whoever is wrong.
 */
export class ServerClock {
  private difference = NONE;
  private readonly asked = new WeakMap<ChannelModel, { readonly answer: Promise<boolean>; readonly until: number }>();

  constructor(private readonly warn: (message: string) => void, private readonly ask: (model: ChannelModel) => Promise<Difference | undefined>) {}

  /** For who says when something is to be due. */
  get latest(): number {
    return clock.now() + this.difference.mostMs;
  }

  /** For who asks whether it is. */
  get earliest(): number {
    return clock.now() + this.difference.leastMs;
  }

  /** What has been reckoned by our own clock, said by the server's. */
  latestOf(own: number): number {
    return own + this.difference.mostMs;
  }

  /** Asks the server once on each connection. Never rejects: where it does not answer, our clock is believed, and it is asked again later. */
  async known(model: ChannelModel): Promise<void> {
    let asking = this.asked.get(model);
    if (asking === undefined || asking.until < clock.elapsed()) {
      asking = { answer: this.compare(model), until: clock.elapsed() + AGAIN_MS };
      this.asked.set(model, asking);
    }
    if (await asking.answer) this.asked.set(model, { ...asking, until: Infinity });
  }

  /** False where there was no answer. */
  private async compare(model: ChannelModel): Promise<boolean> {
    const found = await this.ask(model).catch(() => undefined);
    if (found === undefined) return false;
    const isRight = found.leastMs <= 0 && found.mostMs >= 0;
    if (!isRight && this.difference === NONE) this.warn(warning(found));
    this.difference = isRight ? NONE : found;
    return true;
  }
}

function warning({ leastMs, mostMs }: Difference): string {
  const seconds = Math.round((leastMs + mostMs) / 2 / SECOND_MS);
  return `The clock of this machine is about ${Math.abs(seconds)} s ${seconds > 0 ? 'behind' : 'ahead of'} that of RabbitMQ's. Delayed tasks come when they should all the same, up to a second late; `
    + 'but what is said by the clock (eta, schedules, expiry) is meant by a wrong one. Keep the clocks of all machines the same, by NTP.';
}

/**
 * What the server dead-letters carries the time of that, by its clock. Undefined where it does not answer in time.
 *
 * @param publish to a queue, over the other connection: a server that is short of something reads no more from one over which
 *   anything was published, and would not hear its acknowledgements
 */
export async function askServer(model: ChannelModel, publish: (queue: string) => Promise<void>): Promise<Difference | undefined> {
  return withChannel(model, async (channel) => {
    const own = { exclusive: true, durable: false, autoDelete: true };
    const { queue: answers } = await channel.assertQueue('', { ...own, arguments: CLASSIC });
    const { queue: questions } = await channel.assertQueue('', { ...own, arguments: { ...CLASSIC, 'x-message-ttl': 0, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': answers } });
    const answer = await firstIn(channel, answers);
    const before = clock.now();
    // Nobody consumes there, and nothing lives there: it is over at once.
    publish(questions).catch(() => undefined);
    const headers = await within(ANSWER_LIMIT_MS, answer.headers);
    const after = clock.now();
    await channel.deleteQueue(questions);
    return headers === undefined ? undefined : differenceBy(headers, before, after);
  });
}

/** An object, since whoever awaits a promise awaits what that resolves to. */
async function firstIn(channel: Channel, queue: string): Promise<{ readonly headers: Promise<TaskHeaders> }> {
  let arrived: (headers: TaskHeaders) => void = () => undefined;
  const headers = new Promise<TaskHeaders>((resolve) => { arrived = resolve; });
  await channel.consume(queue, (message) => { if (message !== null) arrived(message.properties.headers ?? {}); }, { noAck: true });
  return { headers };
}

/** It says the whole second. @param before when it was asked by our clock, and `after` when the answer was there */
export function differenceBy(headers: TaskHeaders, before: number, after: number): Difference | undefined {
  const at = brokerDeaths(headers)[0]?.at?.getTime();
  return at === undefined ? undefined : { leastMs: at - after, mostMs: at + SECOND_MS - before };
}
