import type { DispatcherService } from '../index.js';

/** What the dashboard asks of `dispatcher.inspect`. */
export type InspectionFace = Pick<DispatcherService['inspect'], 'overview' | 'processes' | 'queues' | 'task' | 'recent' | 'failures' | 'tasks' | 'audit' | 'locks' | 'events' | 'schedules' | 'workflows' | 'waiting' | 'delayed' | 'retrying' | 'contract'>;
