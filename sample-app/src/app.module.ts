import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { DispatcherModule } from 'nestjs-dispatcher';
import { DispatcherDashboardModule } from 'nestjs-dispatcher/dashboard';
import { CountEvents } from './counting/count-events.js';
import { CountingRun } from './counting/counting-run.js';
import { dispatcherConfig } from './dispatcher-config.js';
import { DASHBOARD_PATH } from './http/dashboard-path.js';
import { DeadLettersController } from './http/dead-letters.controller.js';
import { ErrorFilter } from './http/error.filter.js';
import { HealthController } from './http/health.controller.js';
import { QueuesController } from './http/queues.controller.js';
import { SchedulesController } from './http/schedules.controller.js';
import { TasksController } from './http/tasks.controller.js';
import { WorkflowsController } from './http/workflows.controller.js';
import type { Settings } from './settings.js';
import { SETTINGS } from './settings.token.js';
import { AllTypesTask } from './tasks/all-types.task.js';
import { ApprovalTask } from './tasks/approval.task.js';
import { CountWordsTask } from './tasks/count-words.task.js';
import { FailingTask } from './tasks/failing.task.js';
import { FlakyTask } from './tasks/flaky.task.js';
import { GoExampleTask } from './tasks/go-example.task.js';
import { ReportTask } from './tasks/report.task.js';
import { SlowTask } from './tasks/slow.task.js';
import { SumUpTask } from './tasks/sum-up.task.js';
import { ThreadModule } from './tasks/thread.module.js';
import { TidyUpTask } from './tasks/tidy-up.task.js';
import { TimingMiddleware } from './timing.middleware.js';

const TASKS = [CountWordsTask, SumUpTask, GoExampleTask, SlowTask, FailingTask, FlakyTask, AllTypesTask, ReportTask, TidyUpTask, ApprovalTask];

/** The whole app. A sender has the same task classes and never runs them: its dispatcher consumes nothing. */
@Module({})
export class AppModule {
  static with(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      // Insecure is for a machine of one's own: it answers nobody else.
      imports: [DispatcherModule.forRoot(dispatcherConfig(settings)), DispatcherDashboardModule.forRoot({ path: DASHBOARD_PATH, insecure: true }), ThreadModule],
      controllers: [TasksController, QueuesController, DeadLettersController, WorkflowsController, SchedulesController, HealthController],
      providers: [
        { provide: SETTINGS, useValue: settings },
        { provide: APP_FILTER, useClass: ErrorFilter },
        TimingMiddleware,
        CountEvents,
        CountingRun,
        ...TASKS,
      ],
    };
  }
}
