import { type BadRequestException, Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { DispatcherService, type ScheduleInfo, type ScheduleInput } from 'nestjs-dispatcher';
import { malformed, readObject } from './read-json.js';
import { readTask } from './read-task.js';

const EXAMPLE = '{"name":"every-minute","cron":"* * * * *","task":{"name":"task_1","args":[{"type":"string","value":"tick"},{"type":"int","value":1}]}}';
const PAUSE_EXAMPLE = '{"by":"ann","reason":"not at night"}';

/** Recurring tasks: those of `@Task`, and those that are added here and kept until they are removed. */
@Controller('schedules')
export class SchedulesController {
  constructor(private readonly dispatcher: DispatcherService) {}

  @Get()
  list(): Promise<ScheduleInfo[]> {
    return this.dispatcher.schedules.list();
  }

  @Post()
  @HttpCode(201)
  async add(@Body() body: unknown): Promise<{ name: string }> {
    const schedule = readSchedule(body);
    await this.dispatcher.schedules.add(schedule);
    return { name: schedule.name };
  }

  @Delete(':name')
  @HttpCode(204)
  remove(@Param('name') name: string): Promise<void> {
    return this.dispatcher.schedules.remove(name);
  }

  @Put(':name/pause')
  @HttpCode(204)
  pause(@Param('name') name: string, @Body() body: unknown): Promise<void> {
    const { by, reason } = readObject(body, 'a pause', PAUSE_EXAMPLE, ['by', 'reason']);
    return this.dispatcher.schedules.pause(name, { by: by as string, reason: reason as string });
  }

  @Delete(':name/pause')
  @HttpCode(204)
  async resume(@Param('name') name: string): Promise<void> {
    await this.dispatcher.schedules.resume(name);
  }

  /** Runs its task now, beside its ticks. */
  @Post(':name/trigger')
  @HttpCode(202)
  async trigger(@Param('name') name: string): Promise<{ uuid: string }> {
    const { uuid } = await this.dispatcher.schedules.trigger(name);
    return { uuid };
  }
}

/** The shape alone; whether it makes sense is the dispatcher's to say. */
function readSchedule(body: unknown): ScheduleInput {
  const { name, cron, timeZone, missed, task } = readObject(body, 'a schedule', EXAMPLE, ['name', 'cron', 'timeZone', 'missed', 'task']);
  if (typeof name !== 'string') throw wrong('"name" must be a string');
  if (typeof cron !== 'string') throw wrong('"cron" must be a string');
  if (task === undefined) throw wrong('"task" is missing');
  return { name, cron, timeZone: timeZone as string | undefined, missed: missed as ScheduleInput['missed'], task: typeof task === 'string' ? task : readTask(Buffer.from(JSON.stringify(task))) };
}

function wrong(problem: string): BadRequestException {
  return malformed('a schedule', problem, EXAMPLE);
}
