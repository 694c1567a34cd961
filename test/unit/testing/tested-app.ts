import { Injectable, Module, type Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { onTestFinished } from 'vitest';
import { DispatcherModule, DispatcherService, Task, TaskContext, type Injected, type TaskContext as Context, type ServerConfig } from '../../../lib/index.js';
import { DispatcherTesting, type TestingOptions } from '../../../lib/testing/index.js';
import { KeptLog } from '../../support/nest-app.js';

export const DAY_SECONDS = 86_400;

@Injectable()
export class MailTasks {
  readonly ran: string[] = [];
  readonly contexts: { attempt: number; redelivered: boolean }[] = [];

  constructor(private readonly dispatcher: DispatcherService) {}

  @Task('mail.send')
  send(to: string, copies: number, @TaskContext() context: Injected<Context>): string {
    this.contexts.push({ attempt: context.attempt, redelivered: context.redelivered });
    this.ran.push(`send ${to}`);
    return `${to} x ${copies}`;
  }

  @Task('mail.fail', { retry: { attempts: 4, delaySeconds: DAY_SECONDS, maxDelaySeconds: DAY_SECONDS, backoff: 'fixed', jitter: 0 } })
  fail(): void {
    this.ran.push('fail');
    throw new Error('The mail server is away.');
  }

  @Task('mail.hang', { timeoutSeconds: 60 })
  hang(): Promise<void> {
    this.ran.push('hang');
    return new Promise(() => undefined);
  }

  @Task('mail.slow')
  async slow(): Promise<void> {
    await new Promise((resolve) => void setTimeout(resolve, 20));
    this.ran.push('slow');
  }

  @Task('mail.parent')
  async parent(): Promise<void> {
    this.ran.push('parent begins');
    await this.dispatcher.publish('mail.send', 'child', 1);
    this.ran.push('parent ends');
  }

  @Task('mail.asks')
  async asks(): Promise<string> {
    const child = await this.dispatcher.publish('mail.send', { args: ['asked', 2], result: true });
    return `got ${String(await child.result())}`;
  }

  @Task('mail.join')
  join(parts: string[]): string {
    return parts.join(' + ');
  }
}

@Injectable()
export class ReportTasks {
  ticks = 0;

  @Task('report.hourly', { schedule: { cron: '0 * * * *' } })
  hourly(): void {
    this.ticks++;
  }
}

const SERVERS = { broker: 'amqp://nobody:secret@127.0.0.1:1/', resultBackend: 'redis://127.0.0.1:1/' };

/** An application as it is in production, whose servers do not exist. */
export async function startTested(options: TestingOptions = {}, config: Partial<ServerConfig> = {}, providers: Provider[] = [MailTasks]) {
  @Module({
    imports: [DispatcherModule.forRoot({
      ...SERVERS, exchange: 'tasks', defaultRoutingKey: 'tasks', logger: new KeptLog(), workers: [{ name: 'w', queue: 'mail', bindingKeys: ['tasks'] }], ...config,
    })],
    providers,
  })
  class AppModule {}
  const testing = new DispatcherTesting({ now: '2026-03-01T00:10:00Z', ...options });
  const module = await testing.override(Test.createTestingModule({ imports: [AppModule] })).compile();
  await module.init();
  onTestFinished(() => module.close());
  const mail = providers.includes(MailTasks) ? module.get(MailTasks) : undefined as unknown as MailTasks;
  return { testing, module, mail, dispatcher: module.get(DispatcherService) };
}
