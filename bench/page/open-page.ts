import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { InspectionFace } from '../../lib/dashboard/inspection.js';
import { LivePoll } from '../../lib/dashboard/live/live-poll.js';
import { Curtain } from '../../lib/dashboard/panel/curtain.js';
import { DispatcherModule, DispatcherService } from '../../lib/index.js';
import { itemAt } from '../../test/support/present.js';

/** The overview of the dashboard, as the server of an open page asks for it again and again; in a process that runs no tasks. */
export class OpenPage {
  /** Of each look, in milliseconds. */
  readonly looks: number[] = [];
  private readonly poll: LivePoll;
  private leave: (() => void) | undefined;

  private constructor(private readonly app: INestApplicationContext) {
    const service = app.get(DispatcherService);
    this.poll = new LivePoll({ inspection: this.timed(service.inspect), service, curtain: new Curtain(), now: () => Date.now() });
  }

  static async start(broker: string, exchange: string, queues: readonly string[]): Promise<OpenPage> {
    const config = { broker, exchange, defaultRoutingKey: itemAt(queues, 0), role: 'publisher' as const, initQueues: queues.map((name) => ({ name, bindingKeys: [name] })) };
    return new OpenPage(await NestFactory.createApplicationContext(DispatcherModule.forRoot(config), { logger: ['error', 'warn'] }));
  }

  /** How many processes it sees, itself included. */
  async processes(): Promise<number> {
    return (await this.app.get(DispatcherService).inspect.processes({ timeoutMs: 3_000 })).filter(({ status }) => status === 'alive').length;
  }

  open(): void {
    this.leave ??= this.poll.subscribe(() => undefined, false);
  }

  /** Nothing is asked any more. */
  close(): void {
    this.leave?.();
    this.leave = undefined;
  }

  async end(): Promise<void> {
    this.close();
    await this.app.close();
  }

  private timed(inspect: DispatcherService['inspect']): InspectionFace {
    const overview: InspectionFace['overview'] = async (options) => {
      const begun = performance.now();
      try {
        return await inspect.overview(options);
      } finally {
        this.looks.push(performance.now() - begun);
      }
    };
    return Object.assign(Object.create(inspect) as InspectionFace, { overview });
  }
}
