import { AckCoalescer, type AckSink } from '../../../../../lib/brokers/amqp/consuming/ack-coalescer.js';
import { nextPrefetchStep } from '../../../../../lib/brokers/amqp/consuming/prefetch-plan.js';

/** What a worker's prefetch follows, of whatever rule. */
export interface PrefetchRule {
  readonly current: number;
  /** A task ended, after so long; `ages` are of those that still run. Returns the new prefetch where it changes. */
  ended(now: number, durationMs: number, ages: () => Iterable<number>): number | undefined;
}

export interface Scene {
  readonly workers: number;
  readonly limit: number;
  readonly roundTripMs: number;
  /** What a worker's one thread needs for each task beside its duration. */
  readonly overheadMs: number;
  readonly durations: readonly number[];
}

export interface Outcome {
  /** When the last task ended. */
  readonly makespanMs: number;
  /** Slots that were free while the queue was empty and tasks waited in another worker, times how long. */
  readonly hoardedSlotMs: number;
  /** Consumers that were added or cancelled. */
  readonly steps: number;
  /** Frames that acknowledge. */
  readonly acks: number;
}

/** Several workers over one queue that is full from the start; each slot takes the next that is here. Nothing in it is chance. */
export class Simulation {
  readonly events = new EventQueue();
  private readonly queue: number[];
  private readonly workers: SimulatedWorker[];
  now = 0;
  private left: number;
  private hoardedSlotMs = 0;
  private turn = 0;

  constructor(readonly scene: Scene, makeRule: () => PrefetchRule) {
    this.queue = [...scene.durations].reverse();
    this.left = scene.durations.length;
    this.workers = Array.from({ length: scene.workers }, () => new SimulatedWorker(this, makeRule()));
  }

  run(): Outcome {
    for (const worker of this.workers) worker.adjust();
    for (let event = this.events.shift(); event !== undefined; event = this.events.shift()) {
      this.countHoarded(event.at - this.now);
      this.now = event.at;
      event.happen();
      if (this.left === 0) break;
    }
    const sum = (of: (worker: SimulatedWorker) => number): number => this.workers.reduce((all, worker) => all + of(worker), 0);
    return { makespanMs: this.now, hoardedSlotMs: this.hoardedSlotMs, steps: sum(({ steps }) => steps), acks: sum(({ acks }) => acks) };
  }

  /** The server: in turn to each consumer that may have more. */
  send(): void {
    const consumers = this.workers.flatMap(({ consumers: own }) => own);
    for (let without = 0; without < consumers.length && this.queue.length > 0;) {
      const consumer = consumers[this.turn++ % consumers.length]!;
      if (consumer.unsettled.size < consumer.quota) {
        without = 0;
        consumer.worker.sent(consumer, this.queue.pop()!);
      } else {
        without++;
      }
    }
  }

  taskEnded(): void {
    this.left--;
  }

  after(ms: number, happen: () => void): () => void {
    let wanted = true;
    this.events.add(this.now + ms, () => {
      if (wanted) happen();
    });
    return () => {
      wanted = false;
    };
  }

  private countHoarded(ms: number): void {
    if (this.queue.length > 0 || ms === 0) return;
    const waiting = this.workers.reduce((sum, worker) => sum + worker.waiting, 0);
    const free = this.workers.reduce((sum, worker) => sum + (worker.waiting > 0 ? 0 : worker.freeSlots), 0);
    this.hoardedSlotMs += Math.min(waiting, free) * ms;
  }
}

interface SimulatedConsumer {
  readonly worker: SimulatedWorker;
  readonly quota: number;
  /** As the server knows it. */
  readonly unsettled: Set<number>;
}

interface SimulatedRun {
  readonly tag: number;
  readonly consumer: SimulatedConsumer;
  readonly duration: number;
  since: number;
}

/** Slots, what waits for them, and a channel with the library's own way to acknowledge and to change a prefetch. */
class SimulatedWorker implements AckSink {
  /** Those that the server knows. */
  consumers: SimulatedConsumer[] = [];
  steps = 0;
  acks = 0;
  private grants: SimulatedConsumer[] = [];
  private retired = 0;
  private eager = true;
  private adjusting = false;
  private again = false;
  private tag = 0;
  private threadFreeAt = 0;
  private readonly line: SimulatedRun[] = [];
  private readonly running = new Set<SimulatedRun>();
  private readonly coalescer = new AckCoalescer(this, (callback, ms) => this.simulation.after(ms, callback));

  constructor(private readonly simulation: Simulation, private readonly rule: PrefetchRule) {
    this.coalescer.setPrefetch(rule.current, simulation.scene.limit);
  }

  get waiting(): number { return this.line.length; }
  get freeSlots(): number { return this.simulation.scene.limit - this.running.size; }

  sent(consumer: SimulatedConsumer, duration: number): void {
    const tag = ++this.tag;
    consumer.unsettled.add(tag);
    this.simulation.after(this.way, () => {
      if (!this.grants.includes(consumer)) this.retired++;
      this.coalescer.delivered(tag);
      this.line.push({ tag, consumer, duration, since: 0 });
      this.fill();
    });
  }

  ack(tag: number, multiple: boolean): void {
    this.acks++;
    this.simulation.after(this.way, () => {
      for (const consumer of this.everyConsumer) {
        if (!multiple) consumer.unsettled.delete(tag);
        else for (const one of consumer.unsettled) if (one <= tag) consumer.unsettled.delete(one);
      }
      this.simulation.send();
    });
  }

  requeue(): void {
    throw new Error('nothing is given back here');
  }

  /** As the channel of a consumption does it, each step a way to the server and back. */
  adjust(): void {
    this.again = true;
    if (!this.adjusting) this.takeStep();
  }

  private takeStep(): void {
    this.again = false;
    const step = nextPrefetchStep(this.rule.current, this.grants.map(({ quota, unsettled }) => ({ quota, outstanding: unsettled.size })), this.retired, this.eager);
    this.adjusting = step !== undefined;
    if (step === undefined) {
      this.eager = false;
    } else if ('cancelLast' in step) {
      this.cancelLast(step.cancelLast);
    } else {
      this.addConsumer(step.grant);
    }
  }

  private addConsumer(quota: number): void {
    const consumer = { worker: this, quota, unsettled: new Set<number>() };
    this.everyConsumer.add(consumer);
    this.steps++;
    this.grants.push(consumer);
    this.simulation.after(3 * this.way, () => {
      this.consumers.push(consumer);
      this.simulation.send();
    });
    this.simulation.after(4 * this.way, () => this.takeStep());
  }

  private cancelLast(count: number): void {
    const cancelled = this.grants.slice(-count);
    this.steps++;
    this.simulation.after(this.way, () => {
      this.consumers = this.consumers.filter((one) => !cancelled.includes(one));
    });
    this.simulation.after(2 * this.way, () => {
      this.grants = this.grants.filter((one) => !cancelled.includes(one));
      for (const run of [...this.line, ...this.running]) if (cancelled.includes(run.consumer)) this.retired++;
      this.takeStep();
    });
  }

  private fill(): void {
    while (this.freeSlots > 0 && this.line.length > 0) {
      const run = this.line.shift()!;
      run.since = this.threadFreeAt = Math.max(this.simulation.now, this.threadFreeAt) + this.simulation.scene.overheadMs;
      this.running.add(run);
      this.simulation.after(run.since - this.simulation.now + run.duration, () => this.ended(run));
    }
  }

  private ended(run: SimulatedRun): void {
    const { now } = this.simulation;
    this.running.delete(run);
    this.simulation.taskEnded();
    const changed = this.rule.ended(now, run.duration, () => [...this.running].map(({ since }) => now - since));
    if (changed !== undefined) {
      this.eager = true;
      this.coalescer.setPrefetch(changed, this.simulation.scene.limit);
      this.adjust();
    }
    if (!this.grants.includes(run.consumer)) {
      this.retired--;
      this.adjust();
    }
    this.coalescer.finish(run.tag);
    this.fill();
  }

  private get way(): number { return this.simulation.scene.roundTripMs / 2; }
  private readonly everyConsumer = new Set<SimulatedConsumer>();
}

/** When the last would end if all slots took from one line, with no way between them. */
export function idealMakespanMs({ workers, limit, overheadMs, durations }: Scene): number {
  const slots = new EventQueue();
  for (let slot = 0; slot < workers * limit; slot++) slots.add(0, () => undefined);
  const threads = Array.from({ length: workers }, () => 0);
  let last = 0;
  durations.forEach((duration, i) => {
    const thread = i % workers;
    threads[thread] = Math.max(threads[thread]!, slots.shift()!.at) + overheadMs;
    const end = threads[thread] + duration;
    slots.add(end, () => undefined);
    last = Math.max(last, end);
  });
  return last;
}

interface SimulatedEvent {
  readonly at: number;
  readonly happen: () => void;
  readonly number: number;
}

/** By time, those of one time in the order in which they were added: a binary heap. */
class EventQueue {
  private readonly heap: SimulatedEvent[] = [];
  private added = 0;

  add(at: number, happen: () => void): void {
    const { heap } = this;
    heap.push({ at, happen, number: this.added++ });
    for (let child = heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!isBefore(heap[child]!, heap[parent]!)) break;
      [heap[child], heap[parent]] = [heap[parent]!, heap[child]!];
      child = parent;
    }
  }

  shift(): SimulatedEvent | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let parent = 0; ;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      if (least === parent) return first;
      [heap[parent], heap[least]] = [heap[least]!, heap[parent]!];
      parent = least;
    }
  }
}

function isBefore(a: SimulatedEvent, b: SimulatedEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.number < b.number);
}
