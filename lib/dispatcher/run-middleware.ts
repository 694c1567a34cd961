import { ConfigurationError } from '../errors.js';
import type { BatchMiddleware } from '../worker/batches/batch-call.js';
import type { Handler } from '../worker/handler.js';
import type { RunMiddleware, RunMiddlewareInput } from '../worker/middleware.js';
import { mapFamily } from '../worker/versions.js';
import { withMiddleware } from '../worker/with-middleware.js';
import { resolveMiddlewares, type FindProvider } from './resolve-middleware.js';

/** Puts around every handler what the configuration names for all of them, and within it what the handler names itself. */
export class RunMiddlewares {
  private global: RunMiddleware[] | undefined;
  /** Around those that say `inbox: true`, inside of all others. */
  inbox: RunMiddleware | undefined;
  /** Outside of those of the configuration. */
  private readonly outer: RunMiddleware[] = [];
  private readonly ofBatches: BatchMiddleware[] = [];

  constructor(private readonly inputs: readonly RunMiddlewareInput[] | undefined, private readonly find: FindProvider) {}

  /** Around the handlers that become known from now on, inside of those that came before. */
  use(middleware: RunMiddleware): void {
    this.outer.push(middleware);
  }

  /** Around the calls of batch handlers that become known from now on. */
  useForBatches(middleware: BatchMiddleware): void {
    this.ofBatches.push(middleware);
  }

  /** Providers are looked up when the first handlers are known: before that not all exist. @throws ConfigurationError */
  around(handlers: ReadonlyMap<string, Handler>): ReadonlyMap<string, Handler> {
    const global = this.global ??= resolveMiddlewares<RunMiddleware>(this.inputs, 'run', 'middleware.run', this.find);
    const complete = (handler: Handler): Handler => {
      handler.batch?.surround(this.ofBatches);
      return withMiddleware(handler, [...this.outer, ...global, ...handler.middleware ?? [], ...this.inboxOf(handler)]);
    };
    return new Map([...handlers].map(([name, family]) => [name, mapFamily(family, complete)]));
  }

  /** @throws ConfigurationError where a handler needs an inbox, and there is none */
  private inboxOf({ name, inbox }: Handler): readonly RunMiddleware[] {
    if (inbox !== true) return [];
    if (this.inbox !== undefined) return [this.inbox];
    throw new ConfigurationError(`The task "${name}" says inbox: true, and this dispatcher has no inbox. Import DispatcherOutboxModule.forRoot of nestjs-dispatcher/outbox.`, { task: name });
  }
}
