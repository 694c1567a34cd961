import { Injectable } from '@nestjs/common';
import type { TaskContext, TaskMiddleware } from 'nestjs-dispatcher';

declare module 'nestjs-dispatcher' {
  interface TaskState {
    /** When this attempt began, in milliseconds since 1970. */
    startedAt?: number;
  }
}

const SLOW_MS = 5_000;

/** Around every task: tells handlers since when they run, and names those that were slow. */
@Injectable()
export class TimingMiddleware implements TaskMiddleware {
  async run(context: TaskContext, next: () => Promise<unknown>): Promise<unknown> {
    const startedAt = Date.now();
    context.state.startedAt = startedAt;
    try {
      return await next();
    } finally {
      const elapsedMs = Date.now() - startedAt;
      if (elapsedMs > SLOW_MS) context.logger.warn(`took ${(elapsedMs / 1000).toFixed(1)} s`);
    }
  }
}
