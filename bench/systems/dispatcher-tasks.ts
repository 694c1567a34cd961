import { Inject, Injectable, UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor, type PipeTransform } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { Arg, currentTask, Task } from '../../lib/index.js';
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
