import { Inject, Injectable, UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor, type PipeTransform } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type { Observable } from 'rxjs';
import { Arg, currentTask, Task, type BatchedTask } from '../../lib/index.js';
import type { OnTask } from '../system/contract.js';
import { RETRY_MS, type Settings } from '../system/settings.js';

export const ON_TASK = Symbol('ON_TASK');

@Injectable()
class PlainTasks {
  constructor(@Inject(ON_TASK) private readonly onTask: OnTask) {}

  @Task('task_1')
  run(_text: string, mark = 0): unknown {
    return this.onTask(mark);
  }
}

@Injectable()
class PassOn implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

@Injectable()
class InterceptedTasks {
  constructor(@Inject(ON_TASK) private readonly onTask: OnTask) {}

  @UseInterceptors(PassOn)
  @Task('task_1')
  run(_text: string, mark = 0): unknown {
    return this.onTask(mark);
  }
}

class SamePipe implements PipeTransform<number> {
  transform(value: number): number {
    return value;
  }
}

@Injectable()
class PipedTasks {
  constructor(@Inject(ON_TASK) private readonly onTask: OnTask) {}

  @Task('task_1')
  run(@Arg(1, SamePipe) mark: number): unknown {
    return this.onTask(mark);
  }
}

@Injectable()
class InterceptedAndPipedTasks {
  constructor(@Inject(ON_TASK) private readonly onTask: OnTask) {}

  @UseInterceptors(PassOn)
  @Task('task_1')
  run(@Arg(1, SamePipe) mark: number): unknown {
    return this.onTask(mark);
  }
}

export const WORK_MS = Symbol('WORK_MS');

/** Each task waits by itself for what all could have waited for together. */
@Injectable()
class WorkingTasks {
  constructor(@Inject(ON_TASK) private readonly onTask: OnTask, @Inject(WORK_MS) private readonly workMs: number) {}

  @Task('task_1')
  async run(_text: string, mark = 0): Promise<void> {
    await pause(this.workMs);
    await this.onTask(mark);
  }
}

@Injectable()
class BatchTasks {
  constructor(@Inject(ON_TASK) private readonly onTask: OnTask, @Inject(WORK_MS) private readonly workMs: number) {}

  @Task('task_1', { batch: { size: 100, waitMs: 10 } })
  async run(tasks: readonly BatchedTask<[string, number?], void>[]): Promise<void> {
    await pause(this.workMs);
    for (const { args: [, mark = 0] } of tasks) await this.onTask(mark);
  }
}

export const workers = { single: WorkingTasks, together: BatchTasks } satisfies Record<Settings['calls'], unknown>;

/** What a chord ends with. */
@Injectable()
export class GatheringTasks {
  @Task('gather')
  gather(results: unknown[]): number {
    return results.length;
  }
}

/** Each task succeeds at its second attempt. */
@Injectable()
export class FailingTasks {
  constructor(@Inject(ON_TASK) private readonly onTask: OnTask) {}

  @Task('task_1', { retry: { attempts: 2, backoff: 'fixed', delaySeconds: RETRY_MS / 1000, jitter: 0 } })
  run(_text: string, mark = 0): unknown {
    if (currentTask()?.attempt === 1) throw new Error('The first attempt fails, as it is told to.');
    return this.onTask(mark);
  }
}

/** The same handler with nothing around it, with an interceptor, with a pipe on its one argument, with both. */
export const handlers = { none: PlainTasks, interceptor: InterceptedTasks, pipe: PipedTasks, both: InterceptedAndPipedTasks } satisfies Record<Settings['enhancer'], unknown>;
