import { Body, Controller, Delete, Get, HttpCode, Inject, NotFoundException, Param, Put } from '@nestjs/common';
import { DispatcherService, type Pause } from 'nestjs-dispatcher';
import { queueNames } from '../dispatcher-config.js';
import type { Settings } from '../settings.js';
import { SETTINGS } from '../settings.token.js';
import { malformed, readObject } from './read-json.js';

const EXAMPLE = '{"by":"ann","reason":"the database moves"}';

interface QueueView {
  name: string;
  waiting: number;
  dead: number;
  paused?: Pause;
}

/** The queues of this app: how full they are, and whether they are worked off. */
@Controller('queues')
export class QueuesController {
  constructor(private readonly dispatcher: DispatcherService, @Inject(SETTINGS) private readonly settings: Settings) {}

  @Get()
  async list(): Promise<QueueView[]> {
    const pauses = await this.dispatcher.paused();
    return Promise.all(queueNames(this.settings).map(async (name) => ({
      name,
      waiting: await this.dispatcher.depth(name) ?? 0,
      dead: await this.dispatcher.depth(`${name}.dead`) ?? 0,
      paused: pauses.find((pause) => pause.kind === 'queue' && pause.name === name),
    })));
  }

  /** In every process, and through restarts, until it is resumed. */
  @Put(':queue/pause')
  @HttpCode(204)
  async pause(@Param('queue') queue: string, @Body() body: unknown): Promise<void> {
    const { by, reason } = readObject(body, 'a pause', EXAMPLE, ['by', 'reason']);
    if (typeof by !== 'string' || typeof reason !== 'string') throw malformed('a pause', '"by" and "reason" must be strings', EXAMPLE);
    await this.dispatcher.pause({ queue: this.known(queue) }, { by, reason });
  }

  @Delete(':queue/pause')
  @HttpCode(204)
  async resume(@Param('queue') queue: string): Promise<void> {
    await this.dispatcher.resume({ queue: this.known(queue) });
  }

  /** Throws away what waits; what runs ends. */
  @Delete(':queue/tasks')
  async purge(@Param('queue') queue: string): Promise<{ purged: number }> {
    return { purged: await this.dispatcher.purge(this.known(queue)) };
  }

  private known(queue: string): string {
    const names = queueNames(this.settings);
    if (names.includes(queue)) return queue;
    throw new NotFoundException({ statusCode: 404, code: 'ERR_SAMPLE_NO_QUEUE', message: `This app has no queue "${queue}"; it has ${names.join(' and ')}.` });
  }
}
