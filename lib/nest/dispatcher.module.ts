import {
  ConfigurableModuleBuilder, Inject, Module, Optional, type DynamicModule, type OnApplicationShutdown, type Provider,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { DiscoveryModule, DiscoveryService } from '@golevelup/nestjs-discovery';
import { ConfigurationError } from '../errors.js';
import { checkName } from '../dispatcher/config/config-checks.js';
import { createBroker, type BrokerFactory } from '../dispatcher/create-broker.js';
import { discoverHandlers, knownTasks } from './discover-handlers.js';
import { DispatcherFeatureModule, featuresOf, type DispatcherFeature } from './features.js';
import { dispatcherOf } from './dispatcher-of.js';
import { DispatcherRunnerModule } from './dispatcher-runner.module.js';
import { getDispatcherToken, DEFAULT_DISPATCHER } from './dispatcher-token.js';
import { DispatcherParts } from '../dispatcher/dispatcher-parts.js';
import { Dispatcher } from '../dispatcher/dispatcher.js';
import { DispatcherService } from './dispatcher.service.js';
import { nestVersion } from './nest-version.js';
import { nestLogger } from './nest-logger.js';
import { providerFinder } from './provider-finder.js';
import { ThreadPool } from './threads/thread-pool.js';
import { DISPATCHER_NAME, refuseSecond, setDistance, isLoading } from './module-registry.js';
import { resolveConfig } from '../dispatcher/config/resolve-config.js';
import type { ServerConfig } from '../dispatcher/config/server-config.js';
import type { DispatcherModuleExtras } from './module-options.js';
import { Secret } from '../urls/secret.js';

/** How a configuration becomes a broker; for tests to put another one in its place. */
export const BROKER_FACTORY = Symbol('BROKER_FACTORY');

/** What is done to a configuration before it is used, and who is told of the dispatcher that is made of it; for the testing kit. */
export interface DispatcherSetup {
  configure(config: ServerConfig, dispatcherName: string): ServerConfig;
  made(dispatcher: Dispatcher, dispatcherName: string): void;
}

export const DISPATCHER_SETUP = Symbol('DISPATCHER_SETUP');

const AS_IT_IS: DispatcherSetup = { configure: (config) => config, made: () => undefined };

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<ServerConfig>()
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createDispatcherOptions')
  .setExtras<DispatcherModuleExtras>({ name: DEFAULT_DISPATCHER, isGlobal: true }, compose)
  .build();

type Options = Parameters<typeof ConfigurableModuleClass.forRoot>[0];
type AsyncOptions = Parameters<typeof ConfigurableModuleClass.forRootAsync>[0];

/**
 * A dispatcher in a Nest application. Import it once, in the root module:
 *
 *     DispatcherModule.forRoot({ exchange: 'tasks', defaultRoutingKey: 'tasks', workers: [{ name: 'worker_1', queue: 'queue_1' }] })
 *
 * It connects and starts its workers when the application has started, and ends them before anything else
 * is destroyed. `app.enableShutdownHooks()` makes that happen on SIGTERM.
 *
 * @publicApi
 */
@Module({})
export class DispatcherModule extends ConfigurableModuleClass implements OnApplicationShutdown {
  /** @throws ConfigurationError, when the application starts, for what cannot work */
  static override forRoot(options: Options): DynamicModule {
    return super.forRoot(checkOptions(options, "forRoot({ exchange: 'tasks', defaultRoutingKey: 'tasks' })"));
  }

  /** With `useFactory`, `useClass` or `useExisting` (see `DispatcherOptionsFactory`); `name` and `isGlobal` stand beside them. */
  static override forRootAsync(options: AsyncOptions): DynamicModule {
    return super.forRootAsync(checkOptions(options, 'forRootAsync({ inject: [ConfigService], useFactory: (config) => ({ ... }) })'));
  }

  /**
   * What a feature module brings along, in its own `imports`: queues, workers, and where its tasks go. `forRoot` is
   * imported once beside it, in the root module.
   *
   *     DispatcherModule.forFeature({ workers: [{ name: 'mail', queue: 'mail' }], tasks: [MailTasks] })
   *
   * @throws ConfigurationError for what cannot work
   */
  static forFeature(feature: DispatcherFeature): DynamicModule {
    return DispatcherFeatureModule.for(feature);
  }

  constructor(
    @Optional() @Inject(DISPATCHER_NAME) private readonly name: string | undefined,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) container: ModulesContainer,
  ) {
    super();
    if (name === undefined) throw importedBare();
    // Its connection is the last to go, so that whatever ends before can still publish.
    setDistance(container, DISPATCHER_NAME, name, Number.MAX_VALUE);
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.name !== undefined) await dispatcherOf(this.moduleRef, this.name)?.close();
  }
}

function compose(definition: DynamicModule, { name = DEFAULT_DISPATCHER, isGlobal = true }: DispatcherModuleExtras): DynamicModule {
  checkName(name, 'The name of the dispatcher', "name: 'orders'");
  const token = getDispatcherToken(name);
  return {
    ...definition,
    global: isGlobal,
    imports: [...definition.imports ?? [], DiscoveryModule, DispatcherRunnerModule.for(name)],
    providers: [
      ...(definition.providers ?? []).map(withoutOptionsInSight),
      { provide: DISPATCHER_NAME, useValue: name },
      { provide: BROKER_FACTORY, useValue: createBroker },
      { provide: DISPATCHER_SETUP, useValue: AS_IT_IS },
      serviceProvider(token),
    ],
    exports: [token],
  };
}

/** Nest keeps what it was given where everything that knows the container leads to it, and the options may hold a password. */
function withoutOptionsInSight(provider: Provider): Provider {
  if (typeof provider !== 'object' || provider.provide !== MODULE_OPTIONS_TOKEN) return provider;
  if ('useValue' in provider) return { ...provider, useValue: new Secret(provider.useValue) };
  if (!('useFactory' in provider)) return provider;
  const make = provider.useFactory as (...injected: unknown[]) => unknown;
  return { ...provider, useFactory: async (...injected: unknown[]) => new Secret(await make(...injected)) };
}

function serviceProvider(token: ReturnType<typeof getDispatcherToken>): Provider {
  return {
    provide: token,
    inject: [MODULE_OPTIONS_TOKEN, DISPATCHER_NAME, BROKER_FACTORY, DISPATCHER_SETUP, ModulesContainer, DiscoveryService, ModuleRef],
    useFactory: (
      options: Secret<ServerConfig>, name: string, makeBroker: BrokerFactory, setup: DispatcherSetup,
      container: ModulesContainer, discovery: DiscoveryService, moduleRef: ModuleRef,
    ) => {
      refuseSecond(container, name);
      const config = resolveConfig(setup.configure(options.reveal(), name), process.env);
      const threads = new ThreadPool(config.threads, config.enhancers);
      const discover = discoverHandlers({
        name, scope: config.enhancers, container, discovery, moduleRef, threads, invokers: config.invokers,
        mayMiss: config.role === 'publisher',
        warn: (message) => parts.logger.warn(message),
        scheduled: (schedule) => parts.scheduling.declare(schedule),
      });
      const parts: DispatcherParts = new DispatcherParts(config, makeBroker(config, name), {
        discover, tasks: () => knownTasks({ name, container, discovery }), features: () => featuresOf(container, name),
        moduleCount: () => container.size, isLoading: () => isLoading(container), find: providerFinder(moduleRef), logger: nestLogger(name), nestVersion: nestVersion(), threads,
      });
      const dispatcher = new Dispatcher(parts);
      setup.made(dispatcher, name);
      return new DispatcherService(dispatcher);
    },
  };
}

function checkOptions<T>(options: T, example: string): T {
  if (typeof options === 'object' && options !== null) return options;
  throw new ConfigurationError(`DispatcherModule needs its configuration. Write DispatcherModule.${example}.`);
}

function importedBare(): ConfigurationError {
  return new ConfigurationError(
    'DispatcherModule is imported without configuration. Write DispatcherModule.forRoot({ exchange, defaultRoutingKey, ... }) once, in the root module; '
    + 'other modules need no import, they inject DispatcherService.');
}
