import { createInterface } from 'node:readline';
import { Injectable, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { chain, chord, currentTask, DispatcherModule, DispatcherService, group, Task, task, TaskContext, type Workflow } from '../../../lib/index.js';
import { say as write } from '../../support/say.js';
import { pause } from '../../support/wait.js';
import { CONFIG_VARIABLE, type AppConfig } from './protocol.js';
import type { Started, WorkflowCommand, WorkflowNote } from './workflow-protocol.js';

/** A Nest application whose tasks are steps of workflows; it says what starts. */

const config = JSON.parse(process.env[CONFIG_VARIABLE] ?? '{}') as AppConfig;
const WORK_MS = 40;

const say: (note: WorkflowNote) => void = write;

function saySelf(kind: Started['kind'], about: { number: number; index?: number; results?: unknown }): void {
  const { uuid, redelivered } = currentTask() as TaskContext;
  say({ kind, uuid, redelivered, pid: process.pid, ...about });
}

@Injectable()
class WorkflowTasks {
  @Task('member')
  async member(number: number, index: number): Promise<number> {
    saySelf('member', { number, index });
    await pause(WORK_MS);
    return number * 1000 + index;
  }

  @Task('callback')
  async callback(results: number[], number: number): Promise<number> {
    saySelf('callback', { number, results });
    await pause(WORK_MS);
    return results.length;
  }

  /** It never ends by itself. */
  @Task('held')
  held(number: number): Promise<never> {
    const { signal } = currentTask() as TaskContext;
    saySelf('held', { number });
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        say({ kind: 'asked', number, text: String(signal.reason) });
        reject(signal.reason as Error);
      });
    });
  }

  @Task('step')
  async step(before: number): Promise<number> {
    saySelf('step', { number: before });
    await pause(WORK_MS);
    return before + 1;
  }
}

@Module({ imports: [DispatcherModule.forRoot({ logger: { log: quiet, warn: quiet, error: quiet, debug: quiet }, ...config })], providers: [WorkflowTasks] })
class AppModule {}

function quiet(): void {
  // Hundreds of lines about what is away for a moment.
}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => void obey(app, JSON.parse(line) as WorkflowCommand));
  // The test is gone: nobody would end this process any more.
  lines.on('close', () => process.exit(1));
  say({ kind: 'ready' });
}

async function obey(app: INestApplicationContext, command: WorkflowCommand): Promise<void> {
  const service = app.get(DispatcherService);
  if (command.do === 'chain') return publish(service, 0, chain(...Array.from({ length: command.steps }, (_, index) => (index === 0 ? task('step', 0) : task('step')))));
  if (command.do === 'hold') {
    const { number, members } = command;
    return publish(service, number, chord(group(Array.from({ length: members * 2 }, () => task('held', number))), task('callback', number)).onError(task('callback', number)));
  }
  if (command.do === 'cancel') {
    const done = await service.workflow(command.uuid).cancel(command.reason);
    return say({ kind: 'cancelled', uuid: command.uuid, done });
  }
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let number = next++; number < command.count; number = next++) {
      await publish(service, number, chord(group(Array.from({ length: command.members }, (_, index) => task('member', number, index))), task('callback', number)));
      await pause(command.pauseMs);
    }
  };
  await Promise.all(Array.from({ length: command.window }, lane));
}

/** What was not accepted is published anew, as another workflow, until it is. */
async function publish(service: DispatcherService, number: number, workflow: Workflow): Promise<void> {
  for (;;) {
    try {
      const { uuid } = await service.publish(workflow);
      return say({ kind: 'accepted', uuid, number });
    } catch (error) {
      say({ kind: 'rejected', number, text: String(error) });
      await pause(200);
    }
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
