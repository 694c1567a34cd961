import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { DispatcherService } from 'nestjs-dispatcher';
import { readTask } from './read-task.js';

/** Publishes tasks for whoever speaks HTTP. */
@Controller('tasks')
export class TasksController {
  constructor(private readonly dispatcher: DispatcherService) {}

  /** Answers once the broker has taken responsibility; what it refuses is answered by {@link ErrorFilter}. */
  @Post()
  @HttpCode(202)
  async publish(@Body() body: unknown): Promise<{ uuid: string }> {
    const { uuid } = await this.dispatcher.publish(readTask(body));
    return { uuid };
  }
}
