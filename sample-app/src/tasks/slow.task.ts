import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { Arg, Task, TaskContext } from 'nestjs-dispatcher';

/** Takes as many seconds as it is told, and stops at once when its signal says so. */
@Injectable()
export class SlowTask {
  /**
   * With more than 10 seconds it overruns its limit: the task becomes a dead letter, and because the
   * handler watches its signal, it really ends then. The same signal fires when a shutdown cannot wait longer.
   */
  @Task('slow', { timeoutSeconds: 10 })
  async run(@Arg(0) seconds: number, @TaskContext() { signal, logger }: TaskContext): Promise<void> {
    logger.log(`works for ${seconds} s`);
    await pause(seconds * 1000, undefined, { signal });
    logger.log(`done after ${seconds} s`);
  }
}
