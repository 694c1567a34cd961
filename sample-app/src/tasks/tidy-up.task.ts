import { Inject, Injectable } from '@nestjs/common';
import { DispatcherService, Task, TaskContext } from 'nestjs-dispatcher';
import { queueNames } from '../dispatcher-config.js';
import type { Settings } from '../settings.js';
import { SETTINGS } from '../settings.token.js';

const KEEP_SECONDS = 7 * 24 * 3600;

/** Every five minutes, once over all processes: dead letters that nobody has looked at for a week go. */
@Injectable()
export class TidyUpTask {
  constructor(private readonly dispatcher: DispatcherService, @Inject(SETTINGS) private readonly settings: Settings) {}

  @Task('tidy_up', { schedule: '*/5 * * * *', timeoutSeconds: 60 })
  async run(@TaskContext() { logger }: TaskContext): Promise<number> {
    let trimmed = 0;
    for (const queue of queueNames(this.settings)) trimmed += await this.dispatcher.deadLetters.trim(queue, { maxAgeSeconds: KEEP_SECONDS });
    logger.log(`${trimmed} old dead letters are gone`);
    return trimmed;
  }
}
