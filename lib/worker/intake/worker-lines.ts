import type { Topology } from '../../brokers/broker.js';
import { ConfigurationError } from '../../errors.js';
import { deadLetterQueueOf } from '../../task/dead-letter-queue.js';
import { taskQueueOf } from '../../task/queue-lines.js';
import type { WorkerConfig } from '../worker-config.js';
import type { WorkerDependencies } from '../worker.js';
import { declarationsOf, hasWeights, neededNotes, planLines, type LinePlan } from './line-plan.js';
import { LineRegister } from './line-register.js';
import { LinesIntake } from './lines-intake.js';
import { QueueIntake } from './queue-intake.js';
import { Sorter } from './sorter.js';
import type { MakeIntake } from '../session.js';

/** AMQP names are no longer. */
const MOST_NAME_BYTES = 255;

/** The queues of one worker: its own, that of its dead letters, and those beside it for levels and weighted tasks. */
export class WorkerLines {
  private plans: readonly LinePlan[] = [];
  private readonly needed: readonly string[];

  /** @throws ConfigurationError for a weighted task whose queue would have too long a name */
  constructor(private readonly config: WorkerConfig, private readonly dependencies: WorkerDependencies) {
    this.needed = neededNotes({ ...config, handlers: dependencies.handlers });
    if (this.sorts) for (const task of dependencies.handlers.keys()) checkLength(config, task);
  }

  /** The main queue first. */
  get queues(): string[] {
    return [this.config.queue, ...this.plans.map(({ queue }) => queue)];
  }

  get topology(): Topology {
    const { queue, bindingKeys = [], type, format } = this.config;
    return {
      queues: [
        { name: deadLetterQueueOf(queue), type, purpose: 'dead-letters' },
        { name: queue, bindingKeys, type, purpose: 'work', ...(format === undefined ? {} : { format }) },
        ...declarationsOf(this.plans, queue, bindingKeys, type),
      ],
    };
  }

  /** Noted before they are declared: nothing can be left in a queue that nobody knows. */
  async prepare(): Promise<void> {
    const { broker, handlers } = this.dependencies;
    const { queue, type } = this.config;
    const register = new LineRegister(broker);
    const noted = await register.read(queue);
    const missing = this.needed.filter((note) => !noted.includes(note));
    if (missing.length > 0) await register.add(queue, missing, type);
    this.plans = planLines({ ...this.config, handlers }, noted);
    await broker.declare(this.topology);
  }

  readonly makeIntake: MakeIntake = (host, settler, limit) => {
    const { broker, format, maxTaskBytes, handlers } = this.dependencies;
    const { queue, name } = this.config;
    if (this.plans.length === 0) return new QueueIntake(broker, queue, name, limit, host, () => [...handlers.keys()]);
    const byTask = new Map(this.plans.flatMap(({ task, queue: own }) => (task !== undefined && handlers.has(task) ? [[task, own]] : [])));
    return new LinesIntake(broker, queue, name, this.plans, limit, host, this.sorts ? new Sorter(settler, format, maxTaskBytes, byTask) : undefined);
  };

  private get sorts(): boolean {
    return hasWeights(this.dependencies.handlers);
  }
}

function checkLength({ name: worker, queue }: WorkerConfig, task: string): void {
  const bytes = Buffer.byteLength(taskQueueOf(queue, task));
  if (bytes <= MOST_NAME_BYTES) return;
  throw new ConfigurationError(
    `Worker "${worker}" has weighted tasks, so that task "${task}" gets the queue "${queue}.task.${task}"; that name has ${bytes} bytes, and AMQP allows ${MOST_NAME_BYTES}. `
    + 'Shorten one of the two names.', { worker, task, bytes });
}
