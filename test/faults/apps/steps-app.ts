import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DispatcherModule, Task, TaskContext } from '../../../lib/index.js';
import { say as write } from '../../support/say.js';
import { pause } from '../../support/wait.js';
import { CONFIG_VARIABLE, type AppConfig } from './protocol.js';

/** A worker whose tasks are runs of many steps; it says of each step when it is done, and when that is recorded. */

export type StepNote =
  | { kind: 'ready' }
  /** The effect of a step has happened, under this token; `at` by the machine's clock that nobody sets, for all processes. */
  | { kind: 'effect'; uuid: string; step: number; token: string; at: number }
  /** `context.step` has given this token: its effect is recorded. */
  | { kind: 'given'; uuid: string; step: number; token: string; at: number }
  | { kind: 'slept'; uuid: string }
  | { kind: 'over'; uuid: string; tokens: string[] };

const config = JSON.parse(process.env[CONFIG_VARIABLE] ?? '{}') as AppConfig;

function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

const say: (note: StepNote) => void = write;

@Injectable()
class StepTasks {
  @Task('run', { retry: { attempts: 5, delaySeconds: 0.1 } })
  async run(steps: number, @TaskContext() context: TaskContext): Promise<void> {
    const { uuid } = context;
    const tokens: string[] = [];
    for (let step = 0; step < steps; step++) {
      const token = await context.step(`step ${step}`, async () => {
        await pause(Math.random() * 300);
        const made = crypto.randomUUID();
        say({ kind: 'effect', uuid, step, token: made, at: machineMs() });
        // Here its process may die with the effect done, and not recorded.
        if (Math.random() < 0.2) await pause(60);
        return made;
      });
      say({ kind: 'given', uuid, step, token, at: machineMs() });
      tokens.push(token);
      if (step === Math.floor(steps / 2)) {
        await context.sleep('pause', { seconds: 0.3 });
        say({ kind: 'slept', uuid });
      }
    }
    say({ kind: 'over', uuid, tokens });
  }
}

@Module({ imports: [DispatcherModule.forRoot({ logger: { log: quiet, warn: quiet, error: quiet, debug: quiet }, ...config })], providers: [StepTasks] })
class AppModule {}

function quiet(): void {
  // Hundreds of lines about what is away for a moment.
}

async function main(): Promise<void> {
  await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  // The test is gone: nobody would end this process any more.
  process.stdin.on('end', () => process.exit(1)).resume();
  say({ kind: 'ready' });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
