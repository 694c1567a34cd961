import { ConfigurationError, InvalidArgumentsError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { nearestName } from '../task/nearest-name.js';
import type { Handler } from './handler.js';
import { checkInvoker, type BuiltInInvoker, type Invoker, type InvokerName } from './invoker.js';
import type { TaskContext } from './task-context.js';

type Run = Handler['run'];

const positional: Invoker & { readonly name: BuiltInInvoker } = { name: 'positional', parameters: (args) => args };

/** One object, with each argument under the name of its parameter. */
const named: Invoker & { readonly name: BuiltInInvoker } = {
  name: 'named',
  parameters: (args, { task, names = [] }) => {
    if (args.length > names.length) {
      throw new InvalidArgumentsError(`Task "${task}" has ${args.length} arguments; its handler has names for ${names.length} (kwargs).`, undefined, { task });
    }
    return [Object.fromEntries(args.map((value, index): [string, unknown] => [names[index] as string, value]))];
  },
};

/** The invokers of one dispatcher, by name. */
export class Invokers {
  private readonly known: ReadonlyMap<string, Invoker>;

  /** @throws ConfigurationError where two have one name, or one is no invoker */
  constructor(own: readonly Invoker[] = []) {
    const known = new Map<string, Invoker>([positional, named].map((invoker) => [invoker.name, invoker]));
    own.forEach((invoker, index) => {
      checkInvoker(invoker, `invokers[${index}]`);
      if (known.has(invoker.name)) throw new ConfigurationError(`invokers[${index}] is named "${invoker.name}", as another is. Give it a name of its own.`, { name: invoker.name });
      known.set(invoker.name, invoker);
    });
    this.known = known;
  }

  /**
   * The same call, with the parameters that the invoker makes of the arguments; the very same where they are as they come.
   *
   * @throws ConfigurationError for a name that there is not
   */
  around({ name, invoker, kwargs, taskUuidAsFirstArg }: Pick<Handler, 'name' | 'kwargs' | 'taskUuidAsFirstArg'> & { readonly invoker?: InvokerName | Invoker | undefined }, run: Run): Run {
    if (invoker === undefined) return run;
    const chosen = typeof invoker === 'string' ? this.get(invoker, name) : invoker;
    if (chosen === positional) return run;
    if (chosen === named && kwargs === undefined) {
      throw new ConfigurationError(`The task "${name}" has invoker: 'named', but no names. Write kwargs: ['to', 'subject'], the names of its arguments in their order.`, { task: name });
    }
    const made = (args: unknown[], context: TaskContext): unknown[] => {
      const parameters: unknown = chosen.parameters(args, { task: name, names: kwargs, context });
      if (Array.isArray(parameters)) return parameters as unknown[];
      throw new ConfigurationError(`The invoker "${chosen.name}" of the task "${name}" must give a list of parameters; it gave ${display(parameters)}.`, { task: name, invoker: chosen.name });
    };
    if (taskUuidAsFirstArg !== true) return (args, context) => run(made(args, context), context);
    return ([uuid, ...args], context) => run([uuid, ...made(args, context)], context);
  }

  private get(name: string, task: string): Invoker {
    const invoker = this.known.get(name);
    if (invoker !== undefined) return invoker;
    const names = [...this.known.keys()];
    const nearest = nearestName(name, names);
    throw new ConfigurationError(`invoker of the task "${task}" is ${display(name)}, which is none. ${nearest === undefined ? '' : `Did you mean "${nearest}"? `}`
      + `The invokers are ${names.join(', ')}; those of your own stand in invokers of the dispatcher's configuration, which threads do not have: a task with thread: true is given the invoker itself.`, { task, known: names });
  }
}
