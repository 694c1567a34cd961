import { Body, Controller, Delete, Get, HttpCode, NotFoundException, Param, Post, Put } from '@nestjs/common';
import { ConfigurationError, DispatcherService, type SignalOutcome, type TaskResult, type EdgeOutcome, type UniqueOutcome } from 'nestjs-dispatcher';
import { readObject } from './read-json.js';
import { readTask } from './read-task.js';
import { type TaskView, viewOf } from './task-view.js';

/** Publishes tasks for whoever speaks HTTP, and tells what became of them. */
@Controller('tasks')
export class TasksController {
  constructor(private readonly dispatcher: DispatcherService) {}

  /** Answers once the broker has taken responsibility; what it refuses is answered by {@link ErrorFilter}. */
  @Post()
  @HttpCode(202)
  async publish(@Body() body: unknown): Promise<{ uuid: string; unique?: UniqueOutcome; edge?: EdgeOutcome }> {
    const { uuid, unique, edge } = await this.dispatcher.publish({ result: true, ...readTask(body) });
    return { uuid, unique, edge };
  }

  /** State, timeline and result. */
  @Get(':uuid')
  async look(@Param('uuid') uuid: string): Promise<TaskView> {
    const result = await this.stateOf(uuid);
    if (result === undefined) throw unknown(`Nothing is known of a task ${uuid}: it was not published here, or that is too long ago.`);
    return viewOf(result);
  }

  /** Called off, in whatever process it waits or runs. Nobody knows whether there is such a task; if not, nothing happens. */
  @Delete(':uuid')
  @HttpCode(202)
  async cancel(@Param('uuid') uuid: string): Promise<void> {
    await this.dispatcher.cancel(uuid, { reason: 'asked for over HTTP' });
  }

  /** What a task waits for by `context.waitFor`. */
  @Put(':uuid/signals/:name')
  async signal(@Param('uuid') uuid: string, @Param('name') name: string, @Body() body: unknown): Promise<{ outcome: SignalOutcome }> {
    const { value, by } = readObject(body, 'a signal', '{"value":"yes","by":"ann"}', ['value', 'by']);
    return { outcome: await this.dispatcher.signal(uuid, name, value, typeof by === 'string' ? { by } : {}) };
  }

  /** On RabbitMQ alone a process is told of its own tasks only; it says so by an error. */
  private async stateOf(uuid: string): Promise<TaskResult | undefined> {
    try {
      return await this.dispatcher.task(uuid).state();
    } catch (error) {
      throw error instanceof ConfigurationError ? unknown(error.message) : error;
    }
  }
}

function unknown(message: string): NotFoundException {
  return new NotFoundException({ statusCode: 404, code: 'ERR_SAMPLE_UNKNOWN_TASK', message });
}
