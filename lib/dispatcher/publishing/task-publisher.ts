import { v4 as newUuid } from 'uuid';
import type { Broker, PublishOptions } from '../../brokers/broker.js';
import { InvalidTaskError, TaskTooLargeError, UnroutableTaskError } from '../../errors.js';
import type { TaskFlow } from '../../events/dispatcher-event.js';
import type { EncodedTask } from '../../formats/format.js';
import { clock } from '../../time/clock.js';
import { takenName } from '../../worker/versions.js';
import { noteSent } from '../../worker/handler-context.js';
import { checkBeforeSending, schemasOf, type ArgumentSchemas, type TaskSchema } from '../../task/argument-schema.js';
import { inferArguments } from '../../task/argument-form.js';
import { completeTask, formedArguments, refuseUnknownFields, type TaskDefaults } from '../../task/complete-task.js';
import { Header, versionIn } from '../../task/headers.js';
import { levelKeyOf } from '../../task/queue-lines.js';
import type { IdentifiedTask, IdMaker, IdMakerName } from '../../task/id-maker.js';
import type { AddressedTask, TaskArgument, TaskHeaders, TaskInput } from '../../task/task.js';
import { encodeEdgeMark } from '../../task/edge-record.js';
import type { EdgeRequest } from '../../task/edge-options.js';
import { decodeOrderMark } from '../../task/order-options.js';
import type { OrderPublisher } from './order-publisher.js';
import type { EdgePublisher } from './edge-publisher.js';
import { headerBytes } from './header-size.js';
import type { IdsConfig } from './id-makers.js';
import { cannotBeKept, edgeCannotBeKept, keptTask, type KeepTask, type KeptTask, type TaskKeeper } from './kept-task.js';
import type { TaskResults } from '../results/task-results.js';
import type { TaskFormats } from '../task-formats.js';
import type { PublishAdvice } from '../placement/publish-advice.js';
import { type Cancel, PublishedTask, type Taking, uuidTaken } from './published-task.js';
import type { StartGate } from './start-gate.js';
import { edgeKey, orderKey, uniqueKey } from './shared-keys.js';
import type { UniquePublisher } from './unique-publisher.js';

/**
 * All header fields travel in one AMQP frame, which holds 128 KiB with most servers but may hold less; the
 * rest of it belongs to what a retry or a dead letter adds.
 */
const MAX_HEADER_BYTES = 48 * 1024;

type SealOptions = Pick<TaskInput, 'compress' | 'encrypt'>;
const NOTHING_SAID: SealOptions = {};

/** What is known of a task's handler where that says which of its tasks are taken. */
type TakingOptions = Pick<TaskInput, 'unique' | 'debounce' | 'throttle' | 'order'>;

/** Told of a task that the broker has taken before it is due. */
export type TellDelayed = (task: AddressedTask, dueAt: number) => void;

/** Those that publish what is not always published, and who is told of what waits. */
export interface TakingPublishers {
  readonly unique: UniquePublisher;
  readonly edges: EdgePublisher;
  readonly orders: OrderPublisher;
  readonly delayed: TellDelayed;
}

export interface PublisherOptions {
  readonly exchange: string;
  readonly defaultRoutingKey: string;
  readonly maxTaskBytes: number;
}

/** Checks, encodes and hands over. The way of every task: one promise beside the broker's, no closures. */
export class TaskPublisher {
  private readonly defaults: TaskDefaults;
  private readonly maxTaskBytes: number;
  private readonly takings = new Map<string, TakingOptions>();
  private readonly checked = new Map<string, ArgumentSchemas>();
  private readonly versions = new Map<string, number>();
  private readonly makers = new Map<string, IdMaker>();
  private readonly sealed = new Map<string, SealOptions>();
  /** Its messages say when they were published. */
  stamps = false;
  /** Where tasks are kept that are not to be sent yet. */
  keeper: TaskKeeper | undefined;

  constructor(
    { defaultRoutingKey, maxTaskBytes, exchange }: PublisherOptions,
    private readonly broker: Broker, private readonly formats: TaskFormats, private readonly gate: StartGate,
    private readonly results: TaskResults, private readonly cancel: Cancel, private readonly taking: TakingPublishers, private readonly taskFlow: TaskFlow,
    private readonly ids: IdsConfig, private readonly advice?: PublishAdvice,
  ) {
    this.defaults = {
      routingKey: defaultRoutingKey, routeOf: advice && ((name) => advice.routeOf(name)), versionOf: (name) => this.versionOf(name), newUuid: () => newUuid(), now: clock.now, idOf: (task) => this.idOf(task), uniqueKey: (name, text) => uniqueKey(exchange, name, text), edgeKey: (name, text) => edgeKey(exchange, name, text), orderKey: (name, text) => orderKey(exchange, name, text),
    };
    this.maxTaskBytes = maxTaskBytes;
  }

  /** @param hasOwnUuid its caller has given it its uuid. Default: where it has one */
  async publish(first: TaskInput | string, values: readonly unknown[], hasOwnUuid?: boolean): Promise<PublishedTask> {
    const task = this.complete(first, values, hasOwnUuid);
    const schemas = this.schemasOf(task.name, versionIn(task.headers));
    if (schemas !== undefined) await checkBeforeSending(task.name, schemas, task.args);
    const message = this.encode(task);
    if (!this.gate.isOpen && !this.isKeeping) await this.gate.pass(message.body.length);
    this.advice?.look(task.name, task.routingKey);
    const taking = await this.send(task, message);
    const uuid = uuidTaken(task.uuid, taking);
    noteSent(uuid);
    const isTold = uuid === task.uuid ? this.results.isTold(task) : this.results.canTell(uuid);
    return new PublishedTask(uuid, this.results, this.cancel, isTold ? { name: task.name, at: clock.now() } : undefined, taking?.unique, taking?.edge);
  }

  /** What the library itself sends, a step of a workflow or a tick of a schedule: with headers of ours, always taken, and nobody in this process awaits its result. */
  async publishWithHeaders(input: TaskInput, ours: TaskHeaders): Promise<PublishedTask> {
    if (this.isKeeping) throw cannotBeKept(input.name);
    const task = this.fitted({ ...input, unique: false, debounce: false, throttle: false, order: false });
    task.headers = { ...task.headers, ...ours };
    const message = this.encode(task);
    if (!this.gate.isOpen) await this.gate.pass(message.body.length);
    await this.handOver(task, message);
    return new PublishedTask(task.uuid, this.results, this.cancel);
  }

  /** Resolves when the broker has it, or another that stands for it. What is delayed has waited already for as long as it took to get here. */
  send(task: AddressedTask, message: EncodedTask): Promise<Taking | undefined> {
    const keep = this.keeper?.();
    if (keep !== undefined) return this.keep(keep, task, message) as Promise<undefined>;
    const { unique, edge } = task;
    if (unique !== undefined) return this.taking.unique.send(task, unique, () => this.sendNow(task, message)).then((outcome) => ({ unique: outcome }));
    return edge === undefined ? this.sendNow(task, message) as Promise<undefined> : this.sendInWindow(task, edge, message);
  }

  private async sendInWindow(task: AddressedTask, request: EdgeRequest, message: EncodedTask): Promise<Taking> {
    const edge = await this.taking.edges.send({
      task, request, isSecret: message.properties.headers?.[Header.key] !== undefined,
      now: () => this.sendNow(task, message),
      later: (mark, dueAt) => {
        const late: AddressedTask = { ...task, dueAt, headers: { ...task.headers, [Header.edge]: encodeEdgeMark(mark), [Header.due]: dueAt } };
        return this.sendNow(late, this.encode(late));
      },
    });
    return { edge };
  }

  /** Tasks of this name are unique, share windows, or stand in line, where their publisher does not say otherwise. */
  makeTaken(name: string, { unique, debounce, throttle, order }: TakingOptions): void {
    if ((unique ?? debounce ?? throttle ?? order) !== undefined) this.takings.set(name, { unique, debounce, throttle, order });
  }

  /** Tasks of this name have their arguments checked before they are sent. */
  makeChecked(name: string, schema: TaskSchema, version = 1): void {
    this.checked.set(takenName(name, version), schemasOf(schema));
  }

  /** Tasks of this name have a version beyond the first here. */
  makeVersioned(name: string, version: number): void {
    this.versions.set(name, Math.max(version, this.versions.get(name) ?? 1));
  }

  /** Tasks of this name get other uuids than the rest. */
  makeIdentified(name: string, ids: IdMakerName): void {
    this.makers.set(name, this.ids.makers.get(ids, `ids of the task "${name}"`));
  }

  /** Tasks of this name are compressed or encrypted, where their publisher does not say otherwise. */
  makeSealed(name: string, options: SealOptions): void {
    this.sealed.set(name, options);
  }

  /** For a task that has no uuid. @throws InvalidTaskError for arguments that it cannot be made of, or what its maker throws */
  idFor(name: string, args: TaskArgument[]): string {
    return this.makerOf(name) === undefined ? newUuid() : this.idOf({ name, args: formedArguments(args, name) });
  }

  private idOf(task: IdentifiedTask): string {
    return this.makerOf(task.name)?.make(task) ?? newUuid();
  }

  /** `undefined`: a plain uuid. */
  private makerOf(name: string): IdMaker | undefined {
    const known = this.makers.size === 0 ? undefined : this.makers.get(name);
    if (known !== undefined) return known;
    const ids = this.advice?.optionsOf(name)?.ids;
    if (ids === undefined) return this.ids.otherwise;
    this.makeIdentified(name, ids);
    return this.makers.get(name);
  }

  /** The newest that is known here, which is published where nobody says another. */
  versionOf(name: string): number {
    const known = this.advice?.versionOf(name) ?? 1;
    return this.versions.size === 0 ? known : Math.max(known, this.versions.get(name) ?? 1);
  }

  schemasOf(name: string, version: number): ArgumentSchemas | undefined {
    return this.advice?.schemasOf(name, version) ?? (this.checked.size === 0 ? undefined : this.checked.get(takenName(name, version)));
  }

  /** What was kept goes to the broker; whoever published it has asked for its result already. */
  async sendKept(task: KeptTask): Promise<void> {
    const { unique, body, properties } = task;
    const addressed: AddressedTask = { ...task, args: [...task.args], order: decodeOrderMark(properties.headers?.[Header.order]) };
    const send = (): Promise<void> => this.handOver(addressed, { body, properties });
    if (unique === undefined) return send();
    await this.taking.unique.send(addressed, unique, send);
  }

  /** Nothing goes to the broker now. */
  get isKeeping(): boolean {
    return this.keeper?.() !== undefined;
  }

  private keep(keep: KeepTask, task: AddressedTask, message: EncodedTask): Promise<void> {
    if (task.edge !== undefined) return Promise.reject(edgeCannotBeKept(task.name, task.edge.kind));
    const kept = keptTask(task, message);
    return this.results.isTold(task) ? this.results.send(task, message.properties, () => keep(kept)) : keep(kept);
  }

  private sendNow(task: AddressedTask, message: EncodedTask): Promise<void> {
    if (this.results.isTold(task)) return this.results.send(task, message.properties, () => this.handOver(task, message));
    return this.handOver(task, message);
  }

  private handOver(task: AddressedTask, message: EncodedTask): Promise<void> {
    const handed = this.taskFlow.observed ? this.handOverTelling(task, message) : this.toBroker(task, message);
    const { dueAt } = task;
    return dueAt === undefined ? handed : handed.then(() => this.taking.delayed(task, dueAt));
  }

  private async handOverTelling(task: AddressedTask, message: EncodedTask): Promise<void> {
    const { uuid, name, routingKey } = task;
    const since = clock.elapsed();
    try {
      await this.toBroker(task, message);
    } catch (error) {
      this.taskFlow.next({ type: 'task.publish-failed', task: { uuid, name }, routingKey, durationMs: clock.elapsed() - since, error });
      throw error;
    }
    this.taskFlow.next({ type: 'task.published', task: { uuid, name }, routingKey, durationMs: clock.elapsed() - since });
  }

  private toBroker({ uuid, name, routingKey, dueAt, level, order }: AddressedTask, message: EncodedTask): Promise<void> {
    if (order !== undefined) return this.taking.orders.send(order.key, { token: order.token, uuid, name, message, routingKeys: level === undefined ? [routingKey] : [levelKeyOf(routingKey, level), routingKey] });
    if (level !== undefined) return this.sendToLevel(levelKeyOf(routingKey, level), routingKey, dueAt, message);
    return this.broker.publish(message, { routingKey }, dueAt === undefined ? undefined : { delayMs: dueAt - clock.now() });
  }

  /** Where no queue has levels, the task is a normal one. What is delayed, the broker sends there itself when it is due. */
  private async sendToLevel(levelKey: string, routingKey: string, dueAt: number | undefined, message: EncodedTask): Promise<void> {
    const options = (): PublishOptions | undefined => (dueAt === undefined ? undefined : { delayMs: dueAt - clock.now() });
    try {
      await this.broker.publish(message, { routingKey: levelKey }, options());
    } catch (error) {
      if (!(error instanceof UnroutableTaskError)) throw error;
      await this.broker.publish(message, { routingKey }, options());
    }
  }

  /** @throws InvalidTaskError */
  complete(first: TaskInput | string, values: readonly unknown[], hasOwnUuid?: boolean): AddressedTask {
    if (typeof first === 'string') return this.stamped(this.fitted({ name: first, args: inferArguments(values) }), false);
    if (values.length > 0) {
      throw new InvalidTaskError(
        'publish takes one task, or a name and its arguments; found a task and more. Put the arguments into the task: { name, args: [{ type, value }] }.');
    }
    refuseUnknownFields(first);
    return this.stamped(this.fitted(first), hasOwnUuid ?? first.uuid !== undefined);
  }

  /** A uuid that was made for something may be given again, to another task: when each was published tells them apart, whatever a broker forgets that is killed. */
  private stamped(task: AddressedTask, hasOwnUuid: boolean): AddressedTask {
    // What makes its ids is known since it was given one.
    const isOfChance = !hasOwnUuid && ((this.makers.size === 0 ? undefined : this.makers.get(task.name)) ?? this.ids.otherwise) === undefined;
    if (!isOfChance && !this.stamps && !this.formats.isForOthers(task)) task.headers = { ...task.headers, [Header.published]: clock.now() };
    return task;
  }

  private fitted(input: TaskInput): AddressedTask {
    const task = completeTask(this.withTaking(input), this.defaults);
    const { compress, encrypt } = this.sealed.get(task.name) ?? this.advice?.optionsOf(task.name) ?? NOTHING_SAID;
    if (compress !== undefined) task.compress ??= compress;
    if (encrypt !== undefined) task.encrypt ??= encrypt;
    return this.formats.fitted(task, input.routingKey !== undefined);
  }

  private withTaking(input: TaskInput): TaskInput {
    const taking = this.takings.size === 0 ? undefined : this.takings.get(input?.name);
    if (taking === undefined) return input;
    const isEdgeSaid = input.debounce !== undefined || input.throttle !== undefined;
    const { debounce, throttle } = isEdgeSaid ? input : taking;
    return { ...input, debounce, throttle, unique: input.unique ?? taking.unique, order: input.order ?? taking.order };
  }

  /** @throws TaskTooLargeError, InvalidTaskError */
  encode(task: AddressedTask): EncodedTask {
    if (this.stamps) task.headers = { ...task.headers, [Header.published]: clock.now() };
    const message = this.formats.encode(task);
    if (message.body.length > this.maxTaskBytes) throw this.tooLarge(task, message.body.length);
    const { headers } = message.properties;
    if (headers !== undefined) this.checkHeaders(task, headerBytes(headers));
    return message;
  }

  private tooLarge({ name, uuid }: AddressedTask, bytes: number): TaskTooLargeError {
    const { maxTaskBytes } = this;
    return new TaskTooLargeError(
      `Task "${name}" has ${bytes} bytes; at most ${maxTaskBytes} may travel (maxTaskBytes). Store the data elsewhere and pass its key.`,
      { task: name, uuid, bytes, maxTaskBytes });
  }

  private checkHeaders({ name, uuid }: AddressedTask, bytes: number): void {
    if (bytes <= MAX_HEADER_BYTES) return;
    throw new InvalidTaskError(
      `Task "${name}": its headers take up to ${bytes} bytes; at most ${MAX_HEADER_BYTES} fit into a frame with certainty. Pass data as arguments.`,
      { task: name, uuid, bytes });
  }
}
