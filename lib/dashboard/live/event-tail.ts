import type { EventLevel, FollowedEvent } from '../../index.js';
import { messageOf } from '../../task/error-text.js';
import { Timer } from '../../time/timer.js';
import type { EventsTopic, ShownEvent } from '../answers.js';
import type { InspectionFace } from '../inspection.js';
import type { Curtain } from '../panel/curtain.js';

const EVERY_MS = 500;
/** More nobody can read. */
const MOST_AT_ONCE = 100;
const LONGEST_TEXT = 1_000;

/**
 * What happens in all processes, for pages that follow it: followed once for all of them, and not at all while there is
 * none, because then nobody sends anything.
 */
export class EventTail {
  private readonly listeners = new Set<(text: string) => void>();
  private subscription: { unsubscribe(): void } | undefined;
  private waiting: ShownEvent[] = [];
  private dropped = 0;
  private problem: string | undefined;
  private timer: Timer | undefined;

  constructor(private readonly inspection: Pick<InspectionFace, 'events'>, private readonly level: EventLevel, private readonly curtain: Curtain) {}

  subscribe(listener: (text: string) => void): () => void {
    this.listeners.add(listener);
    if (this.subscription === undefined) this.follow();
    else if (this.problem !== undefined) this.soon();
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

  private follow(): void {
    this.problem = undefined;
    this.subscription = this.inspection.events({ level: this.level }).subscribe({
      next: (event) => this.take(event),
      error: (error: unknown) => {
        this.problem = messageOf(error).slice(0, LONGEST_TEXT);
        this.soon();
      },
    });
  }

  private take(event: FollowedEvent): void {
    if (this.waiting.length < MOST_AT_ONCE) this.waiting.push(this.shown(event));
    else this.dropped++;
    this.dropped += event.dropped ?? 0;
    this.soon();
  }

  private soon(): void {
    this.timer ??= new Timer(EVERY_MS, () => this.tell());
  }

  private tell(): void {
    const topic: EventsTopic = { events: this.waiting, dropped: this.dropped, ...(this.problem === undefined ? {} : { problem: this.problem }) };
    this.timer = undefined;
    this.waiting = [];
    this.dropped = 0;
    const text = JSON.stringify(topic);
    for (const listener of this.listeners) listener(text);
  }

  private shown({ at, level, origin, type, text, process, host, pid, task: { uuid, name, queue } = {} }: FollowedEvent): ShownEvent {
    return {
      at, level, origin, type, process, host, pid, text: this.curtain.text(text, { name, queue }, LONGEST_TEXT),
      ...(uuid === undefined ? {} : { uuid }), ...(name === undefined ? {} : { name }), ...(queue === undefined ? {} : { queue }),
    };
  }
}
