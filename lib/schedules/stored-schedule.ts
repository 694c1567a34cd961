import { ConfigurationError } from '../errors.js';
import type { Format } from '../formats/format.js';
import { completeTask } from '../task/complete-task.js';
import { MAX_TASK_BYTES } from './check-schedule.js';
import { parseRecurrence } from './recurrence.js';
import type { Schedule, ScheduledTask } from './schedule.js';

/** A schedule of run time, as JSON; its task's arguments as the format writes them, because JSON alone would lose an `int64`. */
export interface StoredSchedule {
  readonly cron: string;
  readonly timeZone?: string;
  readonly missed: Schedule['missed'];
  readonly task: string;
  readonly options: Omit<ScheduledTask, 'name' | 'args'>;
}

/** @throws ConfigurationError for a task that is too large to be kept with the schedule */
export function storeSchedule({ name, cron, timeZone, missed, task }: Schedule, format: Format): StoredSchedule {
  const { args, name: taskName, ...options } = task;
  const { body } = format.encode(completeTask({ name: taskName, args }, { routingKey: 'any', newUuid: () => 'any', now: () => 0 }));
  const bytes = body.length + Buffer.byteLength(JSON.stringify(options));
  if (bytes > MAX_TASK_BYTES) {
    throw new ConfigurationError(`The task of schedule "${name}" has ${bytes} bytes; at most ${MAX_TASK_BYTES} are kept. Store the data elsewhere and pass its key.`, { schedule: name, bytes });
  }
  return { cron, timeZone, missed, task: body.toString(), options };
}

/** @throws ConfigurationError, InvalidBodyError, InvalidTaskError for what another version wrote and this one cannot read */
export function readSchedule(name: string, stored: StoredSchedule, format: Format): Schedule {
  const { cron, timeZone, missed, options } = stored;
  const { name: taskName, args } = format.decode({ body: Buffer.from(stored.task), properties: { contentType: format.contentType } });
  return {
    name, source: 'runtime', cron, timeZone, missed, recurrence: parseRecurrence(cron, timeZone, `Schedule "${name}"`), task: { ...options, name: taskName, args },
  };
}
