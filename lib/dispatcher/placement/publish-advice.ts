import type { EventSink } from '../../events/dispatcher-event.js';
import type { ArgumentSchemas } from '../../task/argument-schema.js';
import type { TaskOptions } from '../config/task-options.js';
import { nearestName } from '../../task/nearest-name.js';
import { routingKeyOf, versionOfTask, type KnownTask } from './known-task.js';
import type { Placement } from './placement.js';
import type { PlacedWorker } from './start-warnings.js';

/** Names are the application's, and few; should they be made up for each task, they are not all kept. */
const MOST_NAMES = 1_000;
/** Of names and the keys that they go by: tasks that are spread over many queues must not be looked at anew each time. */
const MOST_LOOKED = 4_000;

export interface AdviceSources {
  readonly placement: () => Placement;
  readonly workers: () => readonly PlacedWorker[];
  /** True where a module has come that was not known before. */
  readonly lookForMore: () => boolean;
  readonly emit: EventSink;
}

/** Knows where a task belongs, and says once of each name when it seems to go where nobody runs it. */
export class PublishAdvice {
  /** The keys that each name was looked at with. */
  private readonly looked = new Map<string, Set<string>>();
  private pairs = 0;
  private lookedIn: Placement | undefined;
  private readonly told = new Set<string>();

  constructor(private readonly sources: AdviceSources) {}

  /** `undefined`: by the default key. */
  routeOf(name: string): string | undefined {
    const task = this.known(name) ?? (this.sources.lookForMore() ? this.known(name) : undefined);
    return task === undefined ? undefined : routingKeyOf(task);
  }

  /** `undefined`: its arguments may be anything, as far as is known here. */
  schemasOf(name: string, version: number): ArgumentSchemas | undefined {
    return this.sources.placement().taskOf(name, version)?.schemas;
  }

  /** The newest. `undefined`: its code is not here. */
  versionOf(name: string): number | undefined {
    const task = this.known(name);
    return task && versionOfTask(task);
  }

  /** What its `@Task` says. `undefined`: its code is not here. */
  optionsOf(name: string): TaskOptions | undefined {
    return this.known(name)?.options;
  }

  /** Costs a look into two tables for a name that goes where it went before. */
  look(name: string, routingKey: string): void {
    const placement = this.sources.placement();
    if (placement !== this.lookedIn) this.forget(placement);
    const keys = this.looked.get(name);
    if (keys?.has(routingKey) === true) return;
    const message = this.told.has(name) ? undefined : this.doubtAbout(name, routingKey, placement, keys === undefined);
    this.remember(name, routingKey);
    if (message !== undefined) this.tell(name, message);
  }

  tell(name: string, message: string): void {
    if (this.told.has(name) || this.told.size >= MOST_NAMES) return;
    this.told.add(name);
    this.sources.emit({ type: 'task.doubtful', name, message });
  }

  private known(name: string): KnownTask | undefined {
    return this.sources.placement().tasks.get(name);
  }

  private remember(name: string, routingKey: string): void {
    if (this.pairs >= MOST_LOOKED || this.looked.size >= MOST_NAMES) this.forget(this.lookedIn);
    const keys = this.looked.get(name);
    if (keys === undefined) this.looked.set(name, new Set([routingKey]));
    else keys.add(routingKey);
    this.pairs++;
  }

  /** With other workers or queues it may be otherwise. */
  private forget(placement: Placement | undefined): void {
    this.looked.clear();
    this.pairs = 0;
    this.lookedIn = placement;
  }

  /** How it is spelt is looked at once: a name may go by another key each time. */
  private doubtAbout(name: string, routingKey: string, placement: Placement, isNew: boolean): string | undefined {
    const takers = this.sources.workers().filter(({ taskNames }) => taskNames.includes(name));
    if (takers.length > 0) return wrongQueue(name, routingKey, placement, takers);
    return isNew && !placement.tasks.has(name) ? misspelt(name, placement.tasks) : undefined;
  }
}

function misspelt(name: string, tasks: ReadonlyMap<string, KnownTask>): string | undefined {
  const nearest = nearestName(name, tasks.keys());
  // Names that are counted up differ on purpose.
  if (nearest === undefined || withoutDigits(nearest) === withoutDigits(name)) return undefined;
  return `No @Task of this process has the name "${name}". Did you mean "${nearest}"? It is published all the same; should nobody know it, it becomes a dead letter.`;
}

function withoutDigits(name: string): string {
  return name.replace(/\d+/g, '0');
}

/** Only what is certain: the key leads to queues of this process, and to none of those whose workers run the task. */
function wrongQueue(name: string, routingKey: string, { queues }: Placement, takers: readonly PlacedWorker[]): string | undefined {
  const reached = queues.filter(({ bindingKeys }) => bindingKeys?.includes(routingKey)).map((queue) => queue.name);
  if (reached.length === 0 || takers.some(({ queue }) => reached.includes(queue))) return undefined;
  return `Task "${name}" is published with the routing key "${routingKey}", which leads to the queue ${quoted(reached)}, but its worker here takes from ${quoted(takers.map(({ queue }) => queue))}. `
    + `Write @Task('${name}', { queue: '${takers[0]?.queue}' }), or give the routing key with the task.`;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
