import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { Arg, Task, TaskContext } from 'nestjs-dispatcher';

/** One at a time for each customer, however many are published and however many processes run them; other customers' do not wait for it. */
@Injectable()
export class ReportTask {
  @Task('report', { limits: { perKey: { key: ([customer]) => String(customer), global: 1 } }, timeoutSeconds: 30 })
  async run(@Arg(0) customer: string, @TaskContext() { logger, signal, state }: TaskContext): Promise<string> {
    logger.log(`writes the report of ${customer}`);
    await pause(500, undefined, { signal });
    return `report of ${customer}, begun at ${new Date(state.startedAt ?? 0).toISOString()}`;
  }
}
