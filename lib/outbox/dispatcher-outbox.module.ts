import { Inject, Logger, Module, type DynamicModule, type OnApplicationBootstrap, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { observedDispatchers, putFirst } from '../nest/observed-dispatchers.js';
import { DispatcherOutbox } from './outbox.js';
import { checkOutboxOptions, type CheckedOutboxOptions, type OutboxOptions } from './outbox-options.js';
import { Relay } from './relay.js';
import { sqlOf } from './tables.js';

const OPTIONS = Symbol('DispatcherOutboxModule options');
/** What is on its way to the broker when the application ends. */
const STOP_LIMIT_MS = 5_000;

/** How the options are made of other providers, such as the application's pool. @publicApi */
export interface OutboxAsyncOptions<Transaction = unknown> {
  imports?: DynamicModule['imports'];
  inject?: (string | symbol | (abstract new (...args: never[]) => unknown))[];
  useFactory: (...injected: never[]) => OutboxOptions<Transaction> | Promise<OutboxOptions<Transaction>>;
}

/**
 * A transactional outbox and inbox in the application's PostgreSQL, MySQL, MariaDB or SQLite:
 *
 *     imports: [DispatcherModule.forRoot({ ... }), DispatcherOutboxModule.forRoot({ database: pgOutbox(pool) })]
 *
 * Inject `DispatcherOutbox`.
 *
 * @publicApi
 */
@Module({})
export class DispatcherOutboxModule implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('DispatcherOutbox');
  private relay: Relay | undefined;

  /** @throws ConfigurationError for what cannot work */
  static forRoot<Transaction>(options: OutboxOptions<Transaction>): DynamicModule {
    return moduleWith({ provide: OPTIONS, useValue: checkOutboxOptions(options) });
  }

  /** The same with providers of the application, such as its pool. */
  static forRootAsync<Transaction>({ imports = [], inject = [], useFactory }: OutboxAsyncOptions<Transaction>): DynamicModule {
    const make = useFactory as (...injected: unknown[]) => OutboxOptions<Transaction> | Promise<OutboxOptions<Transaction>>;
    return { ...moduleWith({ provide: OPTIONS, inject, useFactory: async (...injected: unknown[]) => checkOutboxOptions(await make(...injected)) }), imports };
  }

  constructor(
    @Inject(OPTIONS) private readonly options: CheckedOutboxOptions, @Inject(DispatcherOutbox) private readonly outbox: DispatcherOutbox,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef, @Inject(ModulesContainer) private readonly container: ModulesContainer,
  ) {
    putFirst(container, OPTIONS, options);
  }

  onModuleInit(): void {
    const { container, moduleRef, options, outbox } = this;
    const [found] = observedDispatchers({ container, moduleRef, wanted: [options.dispatcher], module: 'DispatcherOutboxModule' });
    if (found === undefined) return;
    found.service.use({ keep: outbox.keep, inbox: outbox.inbox });
    if (!options.relay) return;
    this.relay = new Relay(options, sqlOf(options.tablePrefix, options.database.dialect), {
      get isReady(): boolean { return found.service.state.status === 'ready'; },
      send: (task) => found.service.sendKept(task),
      problem: (message, error) => this.logger.error(`${message}: ${String(error)}`),
      recovered: (message) => this.logger.log(message),
    });
  }

  onApplicationBootstrap(): void {
    this.relay?.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.relay?.stop(STOP_LIMIT_MS);
  }
}

function moduleWith(options: NonNullable<DynamicModule['providers']>[number]): DynamicModule {
  return {
    module: DispatcherOutboxModule, global: true, exports: [DispatcherOutbox],
    providers: [options, { provide: DispatcherOutbox, inject: [OPTIONS], useFactory: (checked: CheckedOutboxOptions) => new DispatcherOutbox(checked, sqlOf(checked.tablePrefix, checked.database.dialect)) }],
  };
}
