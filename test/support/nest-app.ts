import type { DynamicModule, INestApplicationContext, LoggerService, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { DispatcherService } from '../../lib/index.js';
import { BROKER_FACTORY, DispatcherModule } from '../../lib/nest/dispatcher.module.js';
import type { ServerConfig } from '../../lib/dispatcher/config/server-config.js';
import { LoopbackBroker } from './loopback-broker.js';
import { onTestFinished } from './test-end.js';

/** Keeps what was logged, by level. */
export class KeptLog implements LoggerService {
  readonly lines: { level: string; message: string; stack?: string }[] = [];
  log(message: string): void { this.lines.push({ level: 'log', message }); }
  warn(message: string): void { this.lines.push({ level: 'warn', message }); }
  error(message: string, stack?: string): void { this.lines.push({ level: 'error', message, stack }); }
  debug(message: string): void { this.lines.push({ level: 'debug', message }); }
  of(level: string): string[] { return this.lines.filter((line) => line.level === level).map(({ message }) => message); }
}

export interface TestApp {
  readonly app: INestApplicationContext;
  readonly service: DispatcherService;
  readonly broker: LoopbackBroker;
  readonly log: KeptLog;
}

export const WORKER = { name: 'worker_1', queue: 'queue_1', bindingKeys: ['key'] };

export function testConfig(config: Partial<ServerConfig>, log: KeptLog): ServerConfig {
  return { exchange: 'tasks', defaultRoutingKey: 'key', workers: [WORKER], logger: log, ...config };
}

/** A Nest application with a dispatcher on a loopback broker, started; closed at the end of the test. */
export async function startApp(
  metadata: ModuleMetadata, config: Partial<ServerConfig> = {},
  { broker = new LoopbackBroker(), adjust = (builder: TestingModuleBuilder) => builder, dispatcher }:
  { broker?: LoopbackBroker; adjust?: (builder: TestingModuleBuilder) => TestingModuleBuilder; dispatcher?: DynamicModule } = {},
): Promise<TestApp> {
  const log = new KeptLog();
  const imports = [dispatcher ?? DispatcherModule.forRoot(testConfig(config, log)), ...metadata.imports ?? []];
  const builder = adjust(Test.createTestingModule({ ...metadata, imports }).overrideProvider(BROKER_FACTORY).useValue(() => broker));
  const module = await builder.compile();
  const app = await module.init();
  onTestFinished(() => app.close());
  return { app, service: app.get(DispatcherService), broker, log };
}

/** What a start was refused with. */
export async function startFailure(...args: Parameters<typeof startApp>): Promise<Error> {
  try {
    await startApp(...args);
  } catch (error) {
    return error as Error;
  }
  throw new Error('the application started');
}
