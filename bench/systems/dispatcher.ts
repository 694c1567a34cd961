import 'reflect-metadata';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { chord, DispatcherModule, DispatcherService, signature, type TaskInput } from '../../lib/index.js';
import { itemAt } from '../../test/support/present.js';
import type { BenchTask, OnTask, System } from '../system/contract.js';
import { queueNames, type Settings } from '../system/settings.js';
import { FailingTasks, GatheringTasks, handlers, ON_TASK, WORK_MS, workers } from './dispatcher-tasks.js';

const CHORD_LIMIT_SECONDS = 300;

/** Ours as an application has it: the Nest module, decorated methods, default settings but for `limit`. */
export async function open(settings: Settings, onTask: OnTask): Promise<System> {
  const app = await NestFactory.createApplicationContext(moduleOf(settings, onTask, await observersOf(settings)), { logger: settings.fails === 'first' ? ['error'] : ['error', 'warn'] });
  const service = app.get(DispatcherService);
  const { type, limit } = settings;
  const options = optionsOf(settings);
  const withResult = async (task: BenchTask, queue: string): Promise<unknown> => (await service.publish(inputOf(task, queue, options))).result();
  const sent = settings.results === 'on' ? withResult : (task: BenchTask, queue: string) => service.publish(inputOf(task, queue, options));
  return {
    publish(task, queue, done) {
      sent(task, queue).then(() => done(), done);
    },
    async publishMany(tasks) {
      const outcomes = await service.publishMany(tasks.map(({ task, queue }) => inputOf(task, queue, options)));
      for (const outcome of outcomes) if (!outcome.accepted) throw outcome.error;
    },
    async chord(tasks) {
      const members = tasks.map(({ task, queue }) => signature(inputOf(task, queue, undefined)));
      const published = await service.publish(chord(members, signature({ name: 'gather' })));
      const count = await published.result({ timeoutSeconds: CHORD_LIMIT_SECONDS });
      if (count !== tasks.length) throw new Error(`The callback of a chord of ${tasks.length} was given ${String(count)} results.`);
    },
    async consume() {
      // Not in the configuration, whose workers start with the application: the driver says when.
      const workers = await Promise.all(queueNames(settings).map((name) => service.createWorker({ name, queue: name, limit, type })));
      await Promise.all(workers.map((worker) => worker.start()));
    },
    close: () => app.close(),
  };
}

/** Loaded only where they are used: OpenTelemetry and Prometheus would count as memory of a worker that has neither. */
async function observersOf(settings: Settings): Promise<DynamicModule[]> {
  return settings.telemetry === 'none' ? [] : (await import('./observers.js')).observers(settings);
}

function moduleOf(settings: Settings, onTask: OnTask, observers: DynamicModule[]): Type {
  const names = queueNames(settings);
  const { type } = settings;
  const config = {
    broker: settings.server,
    exchange: settings.prefix,
    defaultRoutingKey: itemAt(names, 0),
    initQueues: names.map((name) => ({ name, bindingKeys: [name], type })),
  };
  @Module({
    imports: [DispatcherModule.forRoot(config), ...observers],
    providers: [settings.fails === 'first' ? FailingTasks : settings.workms > 0 ? workers[settings.calls] : handlers[settings.enhancer], GatheringTasks, { provide: WORK_MS, useValue: settings.workms }, { provide: ON_TASK, useValue: onTask }],
  })
  class BenchModule {}
  return BenchModule;
}

function optionsOf({ delayms, results }: Settings): Partial<TaskInput> | undefined {
  if (results === 'on') return { result: true };
  return delayms > 0 ? { delaySeconds: delayms / 1000 } : undefined;
}

function inputOf({ name, args }: BenchTask, routingKey: string, options: Partial<TaskInput> | undefined): TaskInput {
  const input = { name, args: args as TaskInput['args'], routingKey };
  return options === undefined ? input : { ...input, ...options };
}
