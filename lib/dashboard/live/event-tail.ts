import type { DispatcherService, EventLevel, StampedEvent } from '../../index.js';
import { lineOf } from '../../events/event-table.js';
import { Timer } from '../../time/timer.js';
import type { EventsTopic, ShownEvent } from '../answers.js';
import type { Curtain } from '../panel/curtain.js';

const EVERY_MS = 500;
/** More nobody can read. */
const MOST_AT_ONCE = 100;
const LONGEST_TEXT = 1_000;

/**
 * What happens in this process, for pages that follow it: listened to once for all of them, and not at all while there
 * is none, because some events are only made for listeners.
 */
export class EventTail {
  private readonly listeners = new Set<(text: string) => void>();
  private subscription: { unsubscribe(): void } | undefined;
  private waiting: ShownEvent[] = [];
  private dropped = 0;
  private timer: Timer | undefined;

  constructor(private readonly service: Pick<DispatcherService, 'events'>, private readonly level: EventLevel, private readonly curtain: Curtain) {}

  subscribe(listener: (text: string) => void): () => void {
    this.listeners.add(listener);
    this.subscription ??= this.service.events({ level: this.level }).subscribe((event) => this.take(event));
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      this.subscription?.unsubscribe();
      this.subscription = undefined;
      this.timer?.cancel();
      this.timer = undefined;
      this.waiting = [];
      this.dropped = 0;
    };
  }

  private take(event: StampedEvent): void {
    if (this.waiting.length < MOST_AT_ONCE) this.waiting.push(this.shown(event));
    else this.dropped++;
    this.timer ??= new Timer(EVERY_MS, () => this.tell());
  }

  private tell(): void {
    const topic: EventsTopic = { events: this.waiting, dropped: this.dropped };
    this.timer = undefined;
    this.waiting = [];
    this.dropped = 0;
    const text = JSON.stringify(topic);
    for (const listener of this.listeners) listener(text);
  }

  private shown(event: StampedEvent): ShownEvent {
    const { uuid, name, queue } = 'task' in event ? event.task as { uuid?: string; name?: string; queue?: string } : {};
    const { at, level, origin, type } = event;
    return {
      at, level, origin, type, text: this.curtain.text(lineOf(event).text, { name, queue }, LONGEST_TEXT),
      ...(uuid ? { uuid } : {}), ...(name ? { name } : {}), ...(queue ? { queue } : {}),
    };
  }
}
