import { completion } from './completion/completion.js';
import type { Verb } from './verb.js';
import { cancel, drain, pause, paused, purge, resume } from './verbs/control.js';
import { contractDiff, contractPrint, contractTypes } from './verbs/contract.js';
import { deadDiscard, deadEdit, deadReplay } from './verbs/dead-act.js';
import { deadList, deadShow } from './verbs/dead-look.js';
import { doctor } from './verbs/doctor.js';
import { events } from './verbs/events.js';
import { failureAnnotate, failureDiscard, failureForget, failureRetry } from './verbs/failure.js';
import { inspect, task } from './verbs/inspect.js';
import { locksList, locksRelease } from './verbs/locks.js';
import { mcp } from './verbs/mcp.js';
import { queues } from './verbs/queues.js';
import { schedulesList, schedulesPause, schedulesRemove, schedulesResume, schedulesTrigger } from './verbs/schedules.js';
import { send } from './verbs/send.js';
import { signal } from './verbs/signal.js';
import { failures, recent, running, tasks } from './verbs/task-lists.js';
import { top } from './verbs/top.js';
import { exportMessages, importMessages } from './verbs/transfer.js';
import { delayed, retrying, waiting } from './verbs/waiting.js';
import { limit, limits, unlimit } from './verbs/worker-limits.js';
import { workflowsCancel, workflowsList, workflowsRetry, workflowsShow } from './verbs/workflows.js';

/** All of them, in the order in which they are listed. */
export const VERBS: readonly Verb[] = [
  send, queues, top, inspect, running, waiting, delayed, retrying, task, tasks, failures, recent, events,
  failureRetry, failureDiscard, failureAnnotate, failureForget,
  deadList, deadShow, deadReplay, deadEdit, deadDiscard,
  pause, resume, paused, limit, unlimit, limits, cancel, signal, purge, drain,
  schedulesList, schedulesPause, schedulesResume, schedulesTrigger, schedulesRemove,
  locksList, locksRelease,
  workflowsList, workflowsShow, workflowsCancel, workflowsRetry,
  exportMessages, importMessages,
  contractPrint, contractDiff, contractTypes,
  doctor, mcp,
  completion,
];
