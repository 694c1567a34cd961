import { InvalidTaskError, ShutdownError } from '../errors.js';
import { display } from '../task/argument-types.js';
import type { Audited } from '../events/audited.js';
import type { WorkflowEvent } from '../events/dispatcher-event.js';
import type { StateBackend } from '../state/state-backend.js';
import type { TaskGate } from '../worker/gates/task-gate.js';
import { PublishedWorkflow, type PublishedWorkflowDependencies } from './published-workflow.js';
import type { RouteOf } from './routed-plan.js';
import { StepStarter } from './step-starter.js';
import type { StepSender } from './step-sender.js';
import { WorkflowDriver } from './workflow-driver.js';
import { WorkflowGate } from './workflow-gate.js';
import { isUuid } from './workflow-header.js';
import { WorkflowIndex } from './workflow-index.js';
import type { WorkflowFilter, WorkflowPage } from './workflow-info.js';
import { WorkflowList } from './workflow-list.js';
import { WorkflowPublisher, type WorkflowOptions } from './workflow-publisher.js';
import { WorkflowRetries } from './workflow-retries.js';
import { WorkflowStore } from './workflow-store.js';
import type { Workflow } from './workflow.js';
import { makeStopper } from '../time/stopper.js';

export interface WorkflowsDependencies {
  /** What keeps them; opened when it is first needed. */
  backend(): Promise<StateBackend>;
  readonly sender: StepSender;
  readonly exchange: string;
  /** How long what is kept of a workflow is kept after its last step. */
  readonly expiresInMs: number;
  readonly now: () => number;
  ready(): Promise<void>;
  /** Has every worker ask what runs under this name to stop, now and for a while. Stands being repeated. */
  callOff(name: string, text: string): Promise<void>;
  /** See {@link WorkflowPublisherDependencies.mostPlanned}. */
  readonly mostPlanned?: number;
  /** See {@link WorkflowPublisherDependencies.routeOf}. */
  readonly routeOf?: RouteOf;
  emit(event: WorkflowEvent): void;
  /** What somebody does with a handle is told. */
  readonly audited: Audited;
}

/** The workflows of one dispatcher: publishes them, carries them on, answers for them. */
export class Workflows {
  readonly gate: TaskGate;
  private readonly index: WorkflowList;
  private readonly publisher: WorkflowPublisher;
  private readonly handling: PublishedWorkflowDependencies;
  private readonly closing = makeStopper();

  constructor(private readonly dependencies: WorkflowsDependencies) {
    const { exchange, sender, expiresInMs, now, mostPlanned, routeOf } = dependencies;
    const store = new WorkflowStore(() => dependencies.backend(), expiresInMs);
    const index = new WorkflowIndex(() => dependencies.backend(), exchange, expiresInMs);
    this.index = new WorkflowList(index, store);
    const starter = new StepStarter(sender, Math.ceil(expiresInMs / 1000));
    const emit = (event: WorkflowEvent): void => dependencies.emit(event);
    const driver = new WorkflowDriver(store, starter, now, emit);
    const retries = new WorkflowRetries(store, driver, sender, emit);
    this.gate = new WorkflowGate(store, driver, retries, emit);
    this.publisher = new WorkflowPublisher({ store, index, emit, starter, driver, now, mostPlanned, routeOf });
    this.handling = {
      store, retries, now, emit, closing: this.closing.signal, audited: dependencies.audited,
      ready: () => dependencies.ready(), callOff: (name, text) => dependencies.callOff(name, text),
    };
  }

  async publish(workflow: Workflow, options?: WorkflowOptions): Promise<PublishedWorkflow> {
    await this.dependencies.ready();
    const uuid = await this.publisher.publish(workflow, options);
    this.dependencies.emit({ type: 'workflow.published', workflow: uuid });
    return this.handle(uuid);
  }

  /** @param audited whom it tells what is done with it @throws InvalidTaskError for what is no uuid */
  handle(uuid: string, audited: Audited = this.handling.audited): PublishedWorkflow {
    if (isUuid(uuid)) return new PublishedWorkflow(uuid, { ...this.handling, audited });
    throw new InvalidTaskError(`A workflow is asked for by its uuid; found ${display(uuid)}.`, { uuid });
  }

  /** The latest first. @throws ConfigurationError for what is no filter, and what the backend throws */
  async list(filter?: WorkflowFilter): Promise<WorkflowPage> {
    await this.dependencies.ready();
    return this.index.read(filter);
  }

  close(): void {
    this.closing.abort(new ShutdownError('The dispatcher is closing; nobody waits for workflows any more.'));
  }
}
