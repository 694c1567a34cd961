import { v4 as newUuid } from 'uuid';
import type { MessageProperties } from '../../brokers/broker.js';
import { ConfigurationError, InvalidTaskError } from '../../errors.js';
import type { ComposedPlan, ComposedTask, Format } from '../../formats/format.js';
import type { ForeignResults } from '../../foreign/foreign-results.js';
import { display } from '../../task/argument-types.js';
import type { AddressedTask, TaskInput } from '../../task/task.js';
import { clock } from '../../time/clock.js';
import type { DispatcherParts } from '../dispatcher-parts.js';
import { PublishedTask } from './published-task.js';

/** @publicApi */
export interface PublishedChord {
  readonly members: readonly PublishedTask[];
  readonly callback: PublishedTask;
}

/**
 * Tasks that another system's workers, and ours, carry on as that system does: all that is to come travels in the
 * messages, and members are counted in its store. No process of ours has to live for it. Each resolves when the broker
 * has what is to be sent, and rejects as `publish` does; of a group that rejects, some members may have been sent.
 *
 * @publicApi
 */
export interface ForeignSystem {
  /** One after the other, each with what the one before it gave. */
  chain(tasks: readonly TaskInput[]): Promise<PublishedTask[]>;
  group(tasks: readonly TaskInput[]): Promise<PublishedTask[]>;
  /** All of them, and then the callback with what they gave, in their order. */
  chord(tasks: readonly TaskInput[], callback: TaskInput): Promise<PublishedChord>;
}

type Parts = Pick<DispatcherParts, 'foreign' | 'formats' | 'publishing' | 'broker' | 'placement' | 'results' | 'operations' | 'ready'>;

/** @throws ConfigurationError */
export function foreignSystemOf(parts: Parts, name: string): ForeignSystem {
  const format = parts.formats.find(name);
  const results = parts.foreign.of(name);
  if (format?.compose === undefined) throw new ConfigurationError(`The format ${display(name)} has no chains, groups and chords of its own. Those of machinery and celery have.`, { format: name });
  if (results === undefined) throw new ConfigurationError(`Nothing is known of where ${name} keeps its results, by which groups are counted. Say it: foreignResults: { ${name}: 'redis://localhost:6379/0' }.`, { option: 'foreignResults', format: name });
  const composer = new Composer(parts, format, results);
  return {
    chain: (tasks) => composer.send('chain', tasks),
    group: (tasks) => composer.send('group', tasks),
    chord: async (tasks, callback) => {
      const published = await composer.send('chord', tasks, callback);
      return { members: published.slice(0, -1), callback: published.at(-1) as PublishedTask };
    },
  };
}

class Composer {
  constructor(private readonly parts: Parts, private readonly format: Format, private readonly results: ForeignResults) {}

  async send(kind: ComposedPlan['kind'], inputs: readonly TaskInput[], last?: TaskInput): Promise<PublishedTask[]> {
    if (!Array.isArray(inputs) || inputs.length === 0) throw new InvalidTaskError(`A ${kind} needs a list of tasks; found ${display(inputs)}.`);
    const all = [...inputs as readonly TaskInput[], ...(last === undefined ? [] : [last])].map((input) => this.complete(input));
    await this.parts.ready();
    const composed: ComposedTask[] = [];
    // Of a chain, and of a callback, nothing is known until it is sent.
    for (const task of all) composed.push(await this.announced(task, kind !== 'chain' && composed.length < inputs.length));
    const tasks = composed.slice(0, inputs.length);
    const group = `${this.format.name === 'machinery' ? 'group_' : ''}${newUuid()}`;
    if (kind !== 'chain') await this.results.beginning(group, tasks.map(({ task }) => task.uuid), kind === 'chord');
    const messages = this.format.compose?.({ kind, tasks, callback: last === undefined ? undefined : composed.at(-1), group }) ?? [];
    const { results, operations, formats, broker } = this.parts;
    for (const [index, { message, routingKey }] of messages.entries()) {
      await broker.publish(formats.sealedAs(this.format.name, { name: tasks[index]?.task.name ?? '', message }), { routingKey });
    }
    return all.map(({ uuid, name }) => new PublishedTask(uuid, results, (id, options) => operations.cancel([id], options), { name, at: clock.now() }));
  }

  private complete(input: TaskInput): AddressedTask {
    const task = this.parts.publishing.plain.complete({ ...input, format: this.format.name, unique: false, debounce: false, order: false }, []);
    this.refuseEncrypted(task);
    if (task.dueAt === undefined) return task;
    throw new InvalidTaskError(`Task "${task.name}": what is part of a ${this.format.name} chain, group or chord of this library cannot be delayed. Leave delaySeconds and eta out.`, { task: task.name });
  }

  /** Rather than to send in clear, within the message of another task, what is meant to be secret. */
  private refuseEncrypted({ name, encrypt }: AddressedTask): void {
    if (encrypt !== true && (encrypt === false || !this.parts.formats.isEncrypted(this.format.name, name))) return;
    throw new InvalidTaskError(`Task "${name}" is to be encrypted, and what is part of a ${this.format.name} chain, group or chord has to be read by workers of ${this.format.name} too. Send it with encrypt: false, or by publish.`, { task: name });
  }

  private async announced(task: AddressedTask, isPending: boolean): Promise<ComposedTask> {
    const properties: MessageProperties = {};
    if (isPending || this.results.format === 'celery') await this.results.sending(task, properties);
    this.parts.results.remember(task);
    const { routingKey } = task;
    const queue = this.parts.placement.queues.find(({ bindingKeys = [] }) => bindingKeys.includes(routingKey))?.name ?? routingKey;
    return { task, routingKey, queue, replyTo: properties.replyTo };
  }
}
