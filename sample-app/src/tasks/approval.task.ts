import { Injectable } from '@nestjs/common';
import { Arg, Task, TaskContext } from 'nestjs-dispatcher';

/** Three durable steps with a wait between: it may be killed, or deployed anew, at any of them. */
@Injectable()
export class ApprovalTask {
  /** Waits for `PUT /tasks/:uuid/signals/approved`, for a minute and without a slot. */
  @Task('approval')
  async run(@Arg(0) subject: string, @TaskContext() context: TaskContext): Promise<string> {
    const { logger } = context;
    const asked = await context.step('ask', () => new Date());
    logger.log(`asked for ${subject} at ${String(asked)}`);
    const answer = await context.waitFor<string>('approved', { timeoutSeconds: 60, otherwise: 'nobody' });
    await context.sleep('reconsider', { seconds: 2 });
    return context.step('tell', () => `${subject}: approved by ${answer}`);
  }
}
