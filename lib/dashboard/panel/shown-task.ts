import type { EndedTaskInfo, FailureGroup, LogLine, RunningTaskInfo, TaskInfo, WaitingTaskInfo, Whereabouts } from '../../inspection/model.js';
import type { ShownEnd, ShownFailureGroup, ShownRun, ShownTaskPage, ShownWaiting } from '../answers.js';
import { LISTED, LOOKED_AT, type Curtain } from './curtain.js';
import type { ShownTask } from '../options.js';

const MOST_LOG_LINES = 200;
const LONGEST_LINE = 2_000;
const MOST_CHILDREN = 100;

export function runOf(run: RunningTaskInfo, curtain: Curtain, room: number): ShownRun {
  const { uuid, name, attempt, startedAt, runningMs, isSlow, progress, args, argsBytes, batch } = run;
  return {
    ...placeOf(run), uuid, name, attempt, startedAt, runningMs, ...(isSlow === undefined ? {} : { isSlow }), ...(batch === undefined ? {} : { batch }),
    ...(progress === undefined ? {} : { progress: { ...progress, ...(progress.text === undefined ? {} : { text: curtain.text(progress.text, run, 300) }) } }),
    args: curtain.args(args, run, room, argsBytes),
  };
}

/** @param whole with stacks and logs, as on a page of its own */
export function endOf(end: EndedTaskInfo, curtain: Curtain, whole: boolean): ShownEnd {
  const { uuid, name, attempt, state, reason, error, startedAt, endedAt, durationMs, args, argsBytes, headers, log } = end;
  const shownHeaders = whole ? curtain.headers(headers, end) : undefined;
  return {
    ...placeOf(end), uuid, name, attempt, state, startedAt, endedAt, durationMs,
    ...(reason === undefined ? {} : { reason: curtain.text(reason, end, 500) }),
    ...(error === undefined ? {} : { error: curtain.error(error, end, whole) }),
    args: curtain.args(args, end, whole ? LOOKED_AT : LISTED, argsBytes),
    ...(shownHeaders === undefined ? {} : { headers: shownHeaders }),
    log: whole ? logOf(log, curtain, end) : [],
  };
}

export function groupOf({ id, name, error, count, dead, firstAt, lastAt, queues, example, note }: FailureGroup, curtain: Curtain): ShownFailureGroup {
  return {
    id, name, count, dead, firstAt, lastAt, queues, example: endOf(example, curtain, true), ...(note === undefined ? {} : { note }),
    error: {
      name: curtain.text(error.name, example, 256), message: curtain.text(error.message, example),
      ...(error.frame === undefined ? {} : { frame: curtain.text(error.frame, example, 500) }),
    },
  };
}

export function waitingOf({ args, argsBytes, problem, ...task }: WaitingTaskInfo, curtain: Curtain): ShownWaiting {
  return { ...task, args: curtain.args(args, task, LISTED, argsBytes), ...(problem === undefined ? {} : { problem: curtain.text(problem, task, 500) }) };
}

export function pageOf(task: TaskInfo, curtain: Curtain): ShownTaskPage {
  const { uuid, name, where, waitsFor, args, attempts, timeline, workflow, parent, children = [], trace } = task;
  const { run, end, ...place } = { run: undefined, end: undefined, ...where };
  const about: ShownTask = { ...(name === undefined ? {} : { name }), ...('queue' in place ? { queue: place.queue } : {}) };
  return {
    ...place, uuid, ...(name === undefined ? {} : { name }), waitsFor, timeline, children: children.slice(0, MOST_CHILDREN),
    ...(workflow === undefined ? {} : { workflow }), ...(parent === undefined ? {} : { parent }), ...(trace === undefined ? {} : { trace }),
    ...(run === undefined ? {} : { run: runOf(run, curtain, LOOKED_AT) }), ...(end === undefined ? {} : { end: endOf(end, curtain, true) }),
    args: curtain.args(args ?? run?.args ?? end?.args, about, LOOKED_AT),
    attempts: attempts.map(({ attempt, at, worker, error, log }) => ({
      attempt, at, ...(worker === undefined ? {} : { worker }), ...(error === undefined ? {} : { error: curtain.error(error, about) }), log: logOf(log, curtain, about),
    })),
  };
}

function placeOf({ process, host, pid, worker, queue }: Whereabouts): Whereabouts {
  return { process, host, pid, worker, queue };
}

function logOf(log: readonly LogLine[], curtain: Curtain, about: ShownTask): LogLine[] {
  return log.slice(-MOST_LOG_LINES).map(({ at, level, text }) => ({ at, level, text: curtain.text(text, about, LONGEST_LINE) }));
}
