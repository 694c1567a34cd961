import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { inferArguments } from '../task/argument-form.js';
import { completeTask } from '../task/complete-task.js';
import { unknownOption } from '../task/options.js';
import { MISSED_CHOICES, type MissedTicks } from './due-ticks.js';
import { parseRecurrence } from './recurrence.js';
import type { Schedule, ScheduledTask, ScheduleInput, TaskSchedule } from './schedule.js';

const INPUT_FIELDS: readonly (keyof ScheduleInput)[] = ['name', 'task', 'cron', 'timeZone', 'missed'];
const MAX_NAME_LENGTH = 200;
/** A task of a schedule is kept with all others in one value. */
export const MAX_TASK_BYTES = 16 * 1024;

/** @throws ConfigurationError, InvalidTaskError */
export function checkScheduleInput(input: ScheduleInput): Schedule {
  const where = 'The schedule';
  if (typeof input !== 'object' || input === null) {
    throw new ConfigurationError(`${where} must be an object such as { name: 'nightly', cron: '0 3 * * *', task: 'clean-up' }; found ${display(input)}.`);
  }
  const unknown = Object.keys(input).find((field) => !INPUT_FIELDS.includes(field as keyof ScheduleInput));
  if (unknown !== undefined) throw new ConfigurationError(unknownOption(where, unknown, INPUT_FIELDS), { option: unknown });
  const name = checkScheduleName(input.name);
  const task = typeof input.task === 'string' ? { name: input.task } : input.task;
  return makeSchedule(name, 'runtime', input, task, `Schedule "${name}"`);
}

/** Of a `@Task`, whose name is the schedule's too. @throws ConfigurationError, InvalidTaskError */
export function checkTaskSchedule(name: string, schedule: string | TaskSchedule, timeZone: string | undefined, version = 1): Schedule {
  const where = `schedule of @Task('${name}')`;
  if (typeof schedule !== 'string' && (typeof schedule !== 'object' || schedule === null)) {
    throw new ConfigurationError(`${where} must be a text such as '*/5 * * * *', or { cron, missed, ... }; found ${display(schedule)}.`, { option: 'schedule' });
  }
  const { cron, timeZone: own, missed, args, ...options } = typeof schedule === 'string' ? { cron: schedule } as TaskSchedule : schedule;
  if (args !== undefined && !Array.isArray(args)) throw new ConfigurationError(`args of ${where} must be a list; found ${display(args)}.`, { option: 'schedule' });
  const task: ScheduledTask = { ...options, ...version === 1 ? {} : { version }, name, args: args === undefined ? undefined : inferArguments(args) };
  return makeSchedule(checkScheduleName(name), 'decorator', { cron, timeZone: own ?? timeZone, missed }, task, where);
}

/** @throws ConfigurationError */
function checkScheduleName(name: unknown): string {
  if (typeof name === 'string' && name.trim() !== '' && name.length <= MAX_NAME_LENGTH) return name;
  throw new ConfigurationError(`A schedule needs a name of 1 to ${MAX_NAME_LENGTH} characters, such as 'nightly-report'; found ${display(name)}.`, { name });
}

function makeSchedule(
  name: string, source: Schedule['source'], { cron, timeZone, missed }: Pick<ScheduleInput, 'cron' | 'timeZone' | 'missed'>, task: ScheduledTask, where: string,
): Schedule {
  const recurrence = parseRecurrence(cron, timeZone, where);
  checkScheduledTask(task, where);
  return { name, source, recurrence, cron, timeZone, missed: checkMissed(missed, where), task };
}

function checkMissed(missed: unknown, where: string): MissedTicks {
  if (missed === undefined) return 'skip';
  if (MISSED_CHOICES.includes(missed as MissedTicks)) return missed as MissedTicks;
  throw new ConfigurationError(`missed of ${where} must be "skip", "once" or "all"; found ${display(missed)}. The default is "skip".`, { option: 'missed' });
}

const TASK_FIELDS: Readonly<Record<keyof ScheduledTask, true>> = {
  name: true, args: true, routingKey: true, headers: true, retry: true, result: true, delaySeconds: true, expiresInSeconds: true, priority: true, version: true, format: true, compress: true, encrypt: true,
};

/** What would fail at each tick fails here. */
function checkScheduledTask(task: ScheduledTask, where: string): void {
  const unknown = Object.entries(task ?? {}).find(([field, value]) => value !== undefined && !(field in TASK_FIELDS))?.[0];
  if (unknown !== undefined) {
    throw new ConfigurationError(`${where} sends its task with "${unknown}", which a schedule cannot. It can have: ${Object.keys(TASK_FIELDS).join(', ')}.`, { option: unknown });
  }
  completeTask(task, { routingKey: 'any', newUuid: () => 'any', now: () => 0 });
}
