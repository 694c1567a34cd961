import { Module, type DynamicModule } from '@nestjs/common';
import { DispatcherModule } from '../nest/dispatcher.module.js';
import type { ServerConfig } from '../dispatcher/config/server-config.js';
import { DispatcherTesting } from './dispatcher-testing.js';
import type { TestingOptions } from './options.js';

type TestedConfig = Partial<Pick<ServerConfig, 'exchange' | 'defaultRoutingKey'>> & Omit<ServerConfig, 'exchange' | 'defaultRoutingKey' | 'broker'> & TestingOptions;

/** What a test of a few providers need not say. */
const USUAL = { exchange: 'tasks', defaultRoutingKey: 'tasks' } as const;
const TESTING_OPTIONS = ['mode', 'now', 'atLeastOnce', 'patienceSeconds'] as const satisfies readonly (keyof TestingOptions)[];

/**
 * A dispatcher for a test of single providers, where the application's own module is not imported. Without `workers`, one
 * runs all tasks that are found:
 *
 *     const module = await Test.createTestingModule({ imports: [DispatcherTestingModule.forRoot()], providers: [MailTasks] }).compile();
 *     await module.init();
 *     const testing = module.get(DispatcherTesting);
 *
 * @publicApi
 */
@Module({})
export class DispatcherTestingModule {
  /** @throws ConfigurationError, when the module is compiled, for what cannot work */
  static forRoot(config: TestedConfig = {}): DynamicModule {
    const options: Record<string, unknown> = { ...USUAL, workers: [{ name: 'worker', queue: 'tasks', bindingKeys: [USUAL.defaultRoutingKey] }], ...config };
    const testing = new DispatcherTesting(Object.fromEntries(TESTING_OPTIONS.filter((name) => name in options).map((name) => [name, options[name]])));
    for (const name of TESTING_OPTIONS) delete options[name];
    return {
      module: DispatcherTestingModule,
      global: true,
      imports: [testing.inModule(DispatcherModule.forRoot(options as unknown as ServerConfig))],
      providers: [{ provide: DispatcherTesting, useValue: testing }],
      exports: [DispatcherTesting],
    };
  }
}
