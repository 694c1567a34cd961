import type { MessageProperties } from '../../brokers/broker.js';
import { ConfigurationError } from '../../errors.js';
import { ReplyInbox, type ReplyInboxOptions } from '../../results/replies/reply-inbox.js';
import type { ReplyQueue } from '../../results/replies/reply-queue.js';
import { REPORT_TYPE } from '../../results/replies/reply-recorder.js';
import { Header } from '../../task/headers.js';
import type { Task } from '../../task/task.js';
import { clock } from '../../time/clock.js';
import type { ResultRoute } from './result-route.js';

/** Results straight from the worker, by one reply queue for all tasks of this process, opened by the first that asks. */
export class ReplyRoute implements ResultRoute {
  readonly reader: ReplyInbox;
  readonly onlyAsked = true;

  /** @param now in milliseconds, never going back */
  constructor(private readonly queue: ReplyQueue, options: ReplyInboxOptions, now: () => number) {
    const inbox = new ReplyInbox(options, now);
    this.reader = inbox;
    // Who answers without saying what it is can only mean a report.
    queue.on([REPORT_TYPE, ''], ({ body, properties }) => inbox.receive(body, properties.replyTo));
  }

  async ask({ uuid, name }: Task, properties: MessageProperties): Promise<void> {
    const { address } = await this.queue.open();
    properties.replyTo = address;
    properties.correlationId = uuid;
    properties.headers = { ...properties.headers, [Header.result]: true };
    this.reader.expect(uuid, name);
  }

  accepted({ uuid, name }: Task): void {
    this.reader.note(uuid, name, [{ state: 'published', at: clock.now() }]);
  }

  refused({ uuid }: Task): void {
    this.reader.drop(uuid);
  }

  withdraw(uuid: string): void {
    this.reader.forget(uuid);
  }

  check(uuid: string): void {
    if (this.reader.knows(uuid)) return;
    throw new ConfigurationError(
      `Nothing is known of task ${uuid} in this process: it did not publish it with result: true, or that is long ago. On RabbitMQ alone results go to the process that asked. `
      + "To read them from any process, configure a store in all of them: resultBackend: 'redis://localhost:6379/0' (or mongodb:, memcache:).", { uuid, option: 'resultBackend' });
  }

  close(): void {
    this.reader.close();
  }
}
