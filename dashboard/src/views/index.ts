import type { ComponentType } from 'preact';
import { lazy } from '../parts/lazy.js';
import { Audit } from './audit.js';
import { Controls } from './controls.js';
import { Dead } from './dead.js';
import { Events } from './events.js';
import { Failures } from './failures.js';
import { Letter } from './letter.js';
import { Overview } from './overview.js';
import { Processes } from './processes.js';
import { Queues } from './queues.js';
import { Recent } from './recent.js';
import { Retrying } from './retrying.js';
import { Running } from './running.js';
import { Schedules } from './schedules.js';
import { Send } from './send.js';
import { Task } from './task.js';
import { Waiting } from './waiting.js';

export interface View {
  readonly title: string;
  readonly component: ComponentType;
  /** Of the live topics, beside the overview, which the frame shows too. */
  readonly topics?: (params: Readonly<Record<string, string>>) => readonly string[];
  /** Reached from others, and not from the menu. */
  readonly isHidden?: true;
}

/** By their names in the address, in the order of the menu. */
export const VIEWS: Readonly<Record<string, View>> = {
  overview: { title: 'Overview', component: Overview, topics: () => ['queues', 'processes'] },
  queues: { title: 'Queues', component: Queues, topics: () => ['queues'] },
  running: { title: 'Running', component: Running, topics: () => ['running'] },
  waiting: { title: 'Waiting and delayed', component: Waiting, topics: () => ['queues'] },
  retrying: { title: 'Retrying', component: Retrying },
  failures: { title: 'Failures', component: Failures },
  dead: { title: 'Dead letters', component: Dead, topics: () => ['queues'] },
  letter: { title: 'Dead letter', component: Letter, isHidden: true },
  recent: { title: 'Recent', component: Recent },
  task: { title: 'Task', component: Task },
  processes: { title: 'Processes', component: Processes, topics: () => ['processes'] },
  schedules: { title: 'Schedules', component: Schedules },
  controls: { title: 'Pauses, limits and locks', component: Controls },
  workflows: { title: 'Workflows', component: lazy(() => import('./workflows.js')) },
  send: { title: 'Send a task', component: Send },
  events: { title: 'Events', component: Events, topics: ({ all }) => [all === '1' ? 'all-events' : 'events'] },
  audit: { title: 'Audit', component: Audit },
};
