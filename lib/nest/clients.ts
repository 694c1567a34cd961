import type { Type } from '@nestjs/common';
import { inferArguments } from '../task/argument-form.js';
import { checkSendOptions } from '../task/complete-task.js';
import type { SendOptions } from '../task/task.js';
import type { Publishing } from '../dispatcher/publishing/publishing.js';
import { type ContractClient, createContractClient } from './contract-client.js';
import { createTaskClient, type TaskClient } from './task-client.js';

export interface ClientsParts {
  readonly publishing: Pick<Publishing, 'publisher' | 'plain'>;
}

/** The typed clients of a dispatcher: of a class one, for as long as it has no options. */
export class Clients {
  private readonly made = new WeakMap<object, TaskClient<object>>();

  constructor(private readonly parts: ClientsParts) {}

  /** @throws ConfigurationError, InvalidTaskError */
  of<Tasks extends object>(provider: Type<Tasks> | ContractClient<Tasks>, options?: SendOptions): TaskClient<Tasks> {
    if (options !== undefined) return this.make(provider, checkSendOptions(options, `client(${typeof provider === 'function' ? provider.name : 'tasks'}, options)`));
    const client = (this.made.get(provider) as TaskClient<Tasks> | undefined) ?? this.make(provider, undefined);
    this.made.set(provider, client);
    return client;
  }

  private make<Tasks extends object>(provider: Type<Tasks> | ContractClient<Tasks>, options: SendOptions | undefined): TaskClient<Tasks> {
    const { publishing } = this.parts;
    if (typeof provider !== 'function') return createContractClient(provider, (name, args, sent) => publishing.publisher.publish({ ...sent, ...options, name, args: inferArguments(args) }, []));
    return createTaskClient(provider, (name, args, { version, ...wanted }) => {
      // Of the method's own version, also where another class has a newer one. A plain task takes the short way.
      const isPlain = options === undefined && Object.keys(wanted).length === 0 && publishing.plain.versionOf(name) === version;
      return isPlain ? publishing.publisher.publish(name, args) : publishing.publisher.publish({ ...wantedBeside(wanted, options), version, ...options, name, args: inferArguments(args) }, []);
    });
  }
}

/** Who says which tasks of a window run says all of it: what the method says beside that would contradict. */
function wantedBeside<Wanted extends Pick<SendOptions, 'debounce' | 'throttle'>>(wanted: Wanted, options: SendOptions | undefined): Omit<Wanted, 'debounce' | 'throttle'> {
  if (options?.debounce === undefined && options?.throttle === undefined) return wanted;
  const { debounce: _debounce, throttle: _throttle, ...others } = wanted;
  return others;
}
