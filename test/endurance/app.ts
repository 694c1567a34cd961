import { createInterface } from 'node:readline';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DispatcherModule, DispatcherService } from '../../lib/index.js';
import { CONFIG_VARIABLE, WORKER, type AppConfig, type Command, type Offer } from './protocol.js';
import { EnduranceTasks, say } from './tasks.js';

/** A Nest application: a worker, or the one that publishes and pauses, as its configuration says. */

const config = JSON.parse(process.env[CONFIG_VARIABLE] ?? '{}') as AppConfig;
const quiet = (): void => undefined;

@Module({ imports: [DispatcherModule.forRoot({ logger: { log: quiet, warn: quiet, error: console.error, debug: quiet }, ...config })], providers: [EnduranceTasks] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
  const service = app.get(DispatcherService);
  tellOfLines(service);
  const lines = createInterface({ input: process.stdin });
  service.events({ type: ['task.retrying', 'task.dead-lettered'] }).subscribe(({ task }) => say({ note: 'settled', uuid: task.uuid }));
  service.events({ type: ['worker.problem'] }).subscribe(() => say({ note: 'problem' }));
  lines.on('line', (line) => void obey(service, JSON.parse(line) as Command));
  // The run is over: nobody would end this process any more.
  lines.on('close', () => process.exit(1));
  say({ note: 'ready' });
}

/** On a busy machine a line that is whole again is not used again at once: only the process itself knows. */
function tellOfLines(service: DispatcherService): void {
  const down = new Set<string>();
  const set = (line: string, isUp: boolean): void => {
    if (isUp) down.delete(line);
    else down.add(line);
    say({ note: 'line', up: down.size === 0 });
  };
  service.states.subscribe(({ status }) => {
    if (status === 'ready' || status === 'lost') set('tasks', status === 'ready');
  });
  service.events({ type: ['results.connected', 'results.connection-lost'] }).subscribe(({ type }) => set('state', type === 'results.connected'));
}

async function obey(service: DispatcherService, command: Command): Promise<void> {
  switch (command.do) {
    case 'publish':
      await Promise.all(command.offers.map((offer) => publish(service, offer)));
      break;
    case 'pause':
      await answer(command.number, () => service.pause(command.target, { by: 'the endurance run', reason: 'at random' }));
      break;
    case 'resume':
      await answer(command.number, () => service.resume(command.target));
      break;
    case 'limit':
      service.worker(WORKER).setLimit(command.limit);
      break;
  }
}

async function publish(service: DispatcherService, { uuid, kind, amount }: Offer): Promise<void> {
  try {
    await service.publish({ uuid, name: kind, args: [{ type: 'int', value: amount }] });
    say({ note: 'accepted', uuid });
  } catch {
    say({ note: 'rejected', uuid });
  }
}

async function answer(number: number, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
    say({ note: 'done', number });
  } catch (error) {
    say({ note: 'done', number, error: String(error) });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
