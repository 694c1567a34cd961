import { threadId } from 'node:worker_threads';
import { BadRequestException, ForbiddenException, Injectable, Module, UseGuards, type CanActivate, type PipeTransform } from '@nestjs/common';
import { Arg, currentTask, RetryLater, Task, TaskContext } from '../../../lib/index.js';

@Injectable()
class Colours { readonly list = ['red']; }

@Injectable()
class RefuseAll implements CanActivate {
  canActivate(): boolean { throw new ForbiddenException(`refused in thread ${threadId}`); }
}

class Refuses implements PipeTransform {
  transform(): never { throw new BadRequestException([`refused in a thread`, 'twice']); }
}

class OwnError extends Error {
  override name = 'OwnError';
  constructor(readonly pixels: number) { super('too many pixels'); }
}

/** Provided in the application and in each thread. */
@Injectable()
export class ThreadTasks {
  calls = 0;
  constructor(private readonly colours: Colours) {}

  @Task('echo', { thread: true, taskUuidAsFirstArg: true })
  echo(uuid: string, ...args: unknown[]): unknown {
    this.calls++;
    const context = currentTask();
    return { threadId, uuid, args, colours: this.colours.list, attempt: context?.attempt, headers: context?.headers, state: context?.state, queue: context?.queue };
  }
  @Task('spin', { thread: true, timeoutSeconds: 1 })
  spin(): void { for (;;) threadId.toString(); }
  @Task('spin_on', { thread: true })
  spinOn(@TaskContext() { logger }: TaskContext): void { logger.log('spinning'); for (;;) threadId.toString(); }
  @Task('polite', { thread: true, timeoutSeconds: 1 })
  polite(@TaskContext() { signal, logger }: TaskContext): Promise<void> {
    return new Promise((resolve) => { signal.addEventListener('abort', () => { logger.log(`stopped: ${(signal.reason as Error).name}`); resolve(); }); });
  }
  @Task('steps', { thread: true })
  steps(@TaskContext() context: TaskContext): string {
    for (let i = 1; i <= 1_000_000; i++) context.progress(i / 1_000_000, { row: i });
    return 'done';
  }
  @Task('versioned', { thread: true }) first(width: number): unknown { return [1, width, threadId > 0]; }
  @Task('versioned', { thread: true, version: 2 }) second(size: object): unknown { return [2, size, threadId > 0]; }
  @Task('exits', { thread: true }) exits(): void { process.exit(3); }
  @Task('stray', { thread: true })
  stray(): Promise<void> {
    setTimeout(() => { throw new Error('nobody caught this'); }, 1);
    return new Promise(() => undefined);
  }
  @Task('refuses', { thread: true, retry: { attempts: 3, delaySeconds: 0 } })
  refuses(@Arg(0, new Refuses()) _: unknown): void { /* never */ }
  @Task('behind', { thread: true })
  behind(): void { throw new AggregateError([new TypeError('one')], 'all failed', { cause: new Error('the root') }); }
  @Task('throws', { thread: true }) throws(): void { throw new OwnError(7); }
  @Task('later', { thread: true, retry: { attempts: 2 } })
  later(@TaskContext() { attempt }: TaskContext): string {
    // A verdict is thrown and is no error.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    if (attempt === 1) throw new RetryLater(0.01, { charged: true });
    return 'second';
  }
  @Task('uncopied', { thread: true }) uncopied(): unknown { return { run: () => 1 }; }
  @Task('guarded', { thread: true }) @UseGuards(RefuseAll) guarded(): void { /* never */ }
  @Task('here') here(): number { return threadId; }
}

@Module({ providers: [ThreadTasks, Colours, RefuseAll], exports: [ThreadTasks] })
export class ThreadTestModule {}
