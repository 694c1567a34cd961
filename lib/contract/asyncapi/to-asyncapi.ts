import { Header } from '../../task/headers.js';
import type { Contract, JsonSchema, TaskContract } from '../model.js';
import { titleOfTask } from '../model.js';
import { Keys } from './keys.js';
import { resultPayload, taskPayload } from './payloads.js';
import { embedded, referenceTo } from './references.js';

/** An AsyncAPI 3.0 document. @publicApi */
export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly defaultContentType: string;
  readonly channels: Readonly<Record<string, object>>;
  readonly operations: Readonly<Record<string, object>>;
  readonly components: { readonly messages: Readonly<Record<string, object>>; readonly schemas: Readonly<Record<string, JsonSchema>> };
  /** What AsyncAPI has no words for, so that the contract can be read back. */
  readonly 'x-dispatcher': { readonly contract: 1; readonly exchange: string };
}

/** On an operation: its task as the contract has it, with references to the schemas of the document. */
export const TASK_EXTENSION = 'x-dispatcher-task';

const DESCRIPTION = 'Tasks of nestjs-dispatcher. A task is published to the exchange with the routing key of its channel, persistent; its body is that of gofort/dispatcher.';

/** The contract as AsyncAPI tells it: a channel for each routing key, an operation and a message for each version of each task. @publicApi */
export function toAsyncApi(contract: Contract): AsyncApiDocument {
  return new Writer(contract).document();
}

class Writer {
  private readonly channelKeys = new Keys();
  private readonly taskKeys = new Keys();
  private readonly channels = new Map<string, { readonly key: string; readonly address: string | null; readonly messages: Record<string, object> }>();
  private readonly operations: Record<string, object> = {};
  private readonly messages: Record<string, object> = {};
  private readonly schemas: Record<string, JsonSchema> = {};

  constructor(private readonly contract: Contract) {}

  document(): AsyncApiDocument {
    const { title, version, exchange, tasks } = this.contract;
    for (const task of tasks) this.add(task);
    return {
      asyncapi: '3.0.0', info: { title, version, description: DESCRIPTION }, defaultContentType: 'application/json',
      channels: Object.fromEntries([...this.channels.values()].map(({ key, address, messages }) => [key, { address, messages, ...address === null ? {} : { bindings: this.bindings() } }])),
      operations: this.operations,
      components: { messages: this.messages, schemas: this.schemas },
      'x-dispatcher': { contract: 1, exchange },
    };
  }

  private add(task: TaskContract): void {
    const key = this.taskKeys.of(task.version === 1 ? task.name : `${task.name}.v${task.version}`);
    const args = task.arguments.map((argument, position) => ({ ...argument, schema: this.placed(argument.schema, `${key}.${position}`) }));
    const more = this.placed(task.moreArguments, `${key}.more`);
    const result = task.result === undefined ? undefined : this.placed(task.result, `${key}.result`);
    this.messages[key] = this.message(task, taskPayload(task, args.map(({ schema }) => schema), more));
    const channel = this.channel(`key ${task.routingKey}`, task.routingKey);
    this.operations[key] = {
      action: 'receive', channel: { $ref: `#/channels/${channel.key}` }, title: titleOfTask(task),
      ...task.description === undefined ? {} : { description: task.description },
      messages: [this.put(channel, key, key)],
      ...result === undefined ? {} : { reply: this.reply(task, key, result) },
      [TASK_EXTENSION]: { ...task, arguments: args, moreArguments: more, ...result === undefined ? {} : { result } },
    };
  }

  private message(task: TaskContract, payload: JsonSchema): object {
    const { name, version, description, deprecated } = task;
    return {
      name, title: titleOfTask(task), contentType: 'application/json',
      ...description === undefined ? {} : { description },
      ...deprecated === undefined ? {} : { tags: [{ name: 'deprecated', ...deprecated === true ? {} : { description: deprecated } }] },
      ...version === 1 ? {} : { headers: { type: 'object', required: [Header.version], properties: { [Header.version]: { const: version } } } },
      payload,
    };
  }

  /** Whoever asked has named a queue of its own. */
  private reply(task: TaskContract, key: string, result: JsonSchema): object {
    const message = `${key}.result`;
    this.messages[message] = { name: message, title: `${titleOfTask(task)}: its result`, contentType: 'application/json', payload: resultPayload(task, result) };
    const channel = this.channel('replies', null);
    return {
      address: { location: '$message.header#/reply_to', description: 'The property reply_to of the task; the result is sent there by the default exchange.' },
      channel: { $ref: `#/channels/${channel.key}` }, messages: [this.put(channel, message, message)],
    };
  }

  private channel(id: string, address: string | null): { readonly key: string; readonly messages: Record<string, object> } {
    const known = this.channels.get(id);
    if (known !== undefined) return known;
    const channel = { key: this.channelKeys.of(address ?? 'replies'), address, messages: {} };
    this.channels.set(id, channel);
    return channel;
  }

  private put({ key, messages }: { readonly key: string; readonly messages: Record<string, object> }, name: string, message: string): object {
    messages[name] = { $ref: `#/components/messages/${message}` };
    return { $ref: `#/channels/${key}/messages/${name}` };
  }

  private placed(schema: JsonSchema, wanted: string): JsonSchema {
    if (typeof schema === 'boolean') return schema;
    this.schemas[wanted] = embedded(schema, wanted);
    return referenceTo(wanted);
  }

  private bindings(): object {
    return { amqp: { is: 'routingKey', exchange: { name: this.contract.exchange, type: 'direct', durable: true, autoDelete: false }, bindingVersion: '0.3.0' } };
  }
}
