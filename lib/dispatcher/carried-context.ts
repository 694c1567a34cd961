import type { StandardSchemaV1 } from '@standard-schema/spec';
import secureJson from 'secure-json-parse';
import { InvalidArgumentsError, InvalidTaskError } from '../errors.js';
import { isSchema } from '../task/argument-schema.js';
import { display } from '../task/argument-types.js';
import { encodeJson } from '../task/json-form.js';
import { callable, oneOf, text, wholeWithin, type OptionKind } from '../task/option-kinds.js';
import { checkOptions } from '../task/options.js';
import { accompany } from '../worker/handler-context.js';
import type { RunMiddleware } from '../worker/middleware.js';
import type { PublishMiddleware } from './publishing/publish-middleware.js';

/** How values of a request (tenant, user, locale) go along with the tasks that it publishes. @publicApi */
export interface CarriedContextOptions<Values extends object> {
  /** What goes along with a task that is published now, from wherever the request keeps it; `undefined`: nothing. What JSON can say. */
  read: () => Values | undefined;
  /** Runs the handler, and what follows from it, with what came along: `(values, next) => storage.run(values, next)`. */
  run: <Result>(values: Values, next: () => Result) => Result;
  /** What came along has to be this: a Standard Schema. Default: any object. */
  schema?: StandardSchemaV1<unknown, Values>;
  /**
   * What becomes of a task without it, or with something else in its place, as from another service or from Go. `run`: its
   * handler runs without; `refuse`: it is a dead letter `invalid-arguments`. Default: `run`.
   */
  missing?: 'run' | 'refuse';
  /** The header of the task. Default: `context`. */
  header?: string;
  /** How many bytes of JSON it may have; more is refused at publish. Default: 4,096. */
  maxBytes?: number;
}

/** Both sides of what is carried, for `middleware` of the configuration. @publicApi */
export interface CarriedContext {
  readonly publish: PublishMiddleware;
  readonly run: RunMiddleware;
}

const DEFAULT_HEADER = 'context';
const DEFAULT_MAX_BYTES = 4_096;
const MOST_BYTES = 32 * 1024;
const USE = { as: 'a value of the context of a task', give: 'carry', strict: true } as const;

const schema: OptionKind = { expected: 'a Standard Schema', fits: isSchema };
const KINDS = { read: callable, run: callable, schema, missing: oneOf(['run', 'refuse']), header: text(100), maxBytes: wholeWithin(1, MOST_BYTES) } as const;

/**
 * Carries values of a request from whoever publishes to the handler, by a header of the task: through delays, retries,
 * replays and the later steps of a workflow. For AsyncLocalStorage, nestjs-cls and the like:
 *
 *     const carried = carryContext<{ tenant: string }>({ read: () => storage.getStore(), run: (values, next) => storage.run(values, next) });
 *     DispatcherModule.forRoot({ ..., middleware: { publish: [carried.publish], run: [carried.run] } })
 *
 * @throws ConfigurationError for an option that cannot work
 * @publicApi
 */
export function carryContext<Values extends object>(options: CarriedContextOptions<Values>): CarriedContext {
  const checked = checkOptions(options, KINDS, { of: 'carryContext', example: '{ read: () => storage.getStore(), run: (values, next) => storage.run(values, next) }', required: ['read', 'run'] });
  const carrier = new Carrier<Values>(checked);
  return { publish: named(carrier.publish), run: named(carrier.run) };
}

class Carrier<Values extends object> {
  private readonly header: string;

  constructor(private readonly options: CarriedContextOptions<Values>) {
    this.header = options.header ?? DEFAULT_HEADER;
  }

  readonly publish: PublishMiddleware = (task, next) => {
    // A tick is no request's; what the caller has said himself, or a task brings along, counts.
    const values = task.origin?.kind === 'schedule' || Object.hasOwn(task.headers, this.header) ? undefined : this.options.read();
    if (values !== undefined) task.headers[this.header] = this.encoded(values, task.name);
    return next();
  };

  readonly run: RunMiddleware = async (context, next) => {
    const { options } = this;
    const found = await this.decoded(context.headers[this.header]);
    if ('problem' in found) {
      if (options.missing !== 'refuse') return next();
      throw new InvalidArgumentsError(`Task "${context.name}" has no context that may be used in its header "${this.header}": ${found.problem}.`, [found.problem], { task: context.name, header: this.header });
    }
    accompany(context, { headers: {}, within: (work) => options.run(found.values, work) });
    return options.run(found.values, next);
  };

  private encoded(values: Values, task: string): string {
    const { maxBytes = DEFAULT_MAX_BYTES } = this.options;
    const encoded = encodeJson(values, USE);
    if ('problem' in encoded) throw new InvalidTaskError(`Task "${task}": its context cannot travel: ${encoded.problem}.`, { task, header: this.header });
    const bytes = Buffer.byteLength(encoded.text);
    if (bytes <= maxBytes) return encoded.text;
    throw new InvalidTaskError(`Task "${task}": its context has ${bytes} bytes; at most ${maxBytes} go along (maxBytes). Carry a key, and look the rest up. It has ${Object.keys(values).join(', ')}.`, { task, bytes, maxBytes });
  }

  /** A header may hold anything: whoever may publish has written it. */
  private async decoded(found: unknown): Promise<{ readonly values: Values } | { readonly problem: string }> {
    if (found === undefined) return { problem: 'it is not there' };
    const values = parsed(found);
    if (typeof values !== 'object' || values === null || Array.isArray(values)) return { problem: `it must be a JSON object, found ${display(found)}` };
    if (this.options.schema === undefined) return { values: values as Values };
    const checked = await this.options.schema['~standard'].validate(values);
    return checked.issues === undefined ? { values: checked.value } : { problem: checked.issues.map(({ message }) => message).join('; ') };
  }
}

function parsed(found: unknown): unknown {
  if (typeof found !== 'string') return undefined;
  try {
    return secureJson.parse(found, { protoAction: 'remove', constructorAction: 'remove' }) as unknown;
  } catch {
    return undefined;
  }
}

function named<F extends object>(middleware: F): F {
  return Object.defineProperty(middleware, 'name', { value: 'carryContext' });
}
