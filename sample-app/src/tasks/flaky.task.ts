import { Injectable } from '@nestjs/common';
import { Arg, Task, TaskContext } from 'nestjs-dispatcher';

/** Fails as often as it is told, and is tried again: the same uuid, a growing pause, at most five attempts. */
@Injectable()
export class FlakyTask {
  @Task('flaky', { retry: { attempts: 5, delaySeconds: 0.5 } })
  run(@Arg(0) failures: number, @TaskContext() { attempt, logger }: TaskContext): void {
    if (attempt <= failures) throw new Error(`attempt ${attempt} fails on purpose`);
    logger.log(`attempt ${attempt} succeeds`);
  }
}
