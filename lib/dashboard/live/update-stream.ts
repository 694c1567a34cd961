import type { ServerResponse } from 'node:http';
import { Timer } from '../../time/timer.js';
import type { Panel } from '../panel/panel.js';
import { POLLED_TOPICS, type Topics } from './topics.js';

/** A page that does not read, on a line that is gone, is not written to any more. */
const MOST_UNREAD_BYTES = 1024 * 1024;
/** Proxies take a silent connection for a dead one. */
const KEEP_ALIVE_MS = 15_000;
/** Then the page connects anew, and is asked anew who it is. */
const LIFETIME_MS = 5 * 60_000;
const RECONNECT_MS = 2_000;

export const TOPICS = [...POLLED_TOPICS, 'events', 'all-events'] as const;
export type TopicName = (typeof TOPICS)[number];

/** Server-sent events to one open page: each topic when it has changed. */
export class UpdateStream {
  private readonly sent = new Map<string, string>();
  private readonly leave: (() => void)[] = [];
  private readonly end: Timer;
  private beat: Timer;

  constructor(private readonly response: ServerResponse, panel: Panel, topics: readonly TopicName[], private readonly onClose: () => void) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
    response.write(`retry: ${RECONNECT_MS}\n\n`);
    response.on('close', () => this.stop()).on('error', () => this.stop());
    this.end = new Timer(LIFETIME_MS, () => this.close());
    this.beat = this.nextBeat();
    const polled = topics.filter((topic): topic is keyof Topics => (POLLED_TOPICS as readonly string[]).includes(topic));
    if (polled.length > 0) {
      this.leave.push(panel.poll.subscribe((texts) => {
        for (const topic of polled) this.send(topic, texts.get(topic));
      }, polled.includes('running')));
    }
    for (const topic of ['events', 'all-events'] as const) {
      if (topics.includes(topic)) this.leave.push(panel.tails[topic].subscribe((text) => this.write(`event: events\ndata: ${text}\n\n`)));
    }
  }

  close(): void {
    this.stop();
    this.response.end();
  }

  private send(topic: string, text: string | undefined): void {
    if (text === undefined || this.sent.get(topic) === text) return;
    if (this.write(`event: ${topic}\ndata: ${text}\n\n`)) this.sent.set(topic, text);
  }

  private write(text: string): boolean {
    if (this.response.destroyed || this.response.writableLength > MOST_UNREAD_BYTES) return false;
    this.response.write(text);
    return true;
  }

  private nextBeat(): Timer {
    return new Timer(KEEP_ALIVE_MS, () => {
      this.write(': still here\n\n');
      this.beat = this.nextBeat();
    });
  }

  private stop(): void {
    this.end.cancel();
    this.beat.cancel();
    for (const leave of this.leave.splice(0)) leave();
    this.onClose();
  }
}
