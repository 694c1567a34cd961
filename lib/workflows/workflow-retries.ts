import { v4 } from 'uuid';
import { InvalidTaskError } from '../errors.js';
import type { WorkflowEvent } from '../events/dispatcher-event.js';
import { Header } from '../task/headers.js';
import { placeOf, type StepPath } from './paths.js';
import type { StepOutcome } from './step-outcome.js';
import type { Stopped } from './stopped-step.js';
import type { StepSender } from './step-sender.js';
import { referenceOf, uuidOf } from './workflow-header.js';
import type { WorkflowDriver } from './workflow-driver.js';
import { resumed } from './workflow-state.js';
import type { WorkflowStore } from './workflow-store.js';

type Unsent = Extract<Stopped, { how: 'unsent' }>;
/** A task that was turned away, and the outcome that the step has all the same. */
interface Waiting { readonly stopped: Extract<Stopped, { how: 'parked' }>; readonly outcome: StepOutcome | undefined }

/** Makes a failed workflow go on from where it stopped. */
export class WorkflowRetries {
  constructor(
    private readonly store: WorkflowStore, private readonly driver: WorkflowDriver, private readonly sender: StepSender,
    private readonly emit: (event: WorkflowEvent) => void,
  ) {}

  /**
   * May be called again after it has failed half way: what goes on already is not started twice.
   *
   * @returns how many steps go on
   * @throws InvalidTaskError for a workflow that is not known, has succeeded or was cancelled
   */
  async retry(workflow: string): Promise<number> {
    const state = await this.store.state(workflow);
    if (state === undefined) throw new InvalidTaskError(`Nothing is known of workflow ${workflow}: it was never published, or has expired.`, { workflow });
    if (state.status === 'succeeded' || state.status === 'cancelled') {
      throw new InvalidTaskError(`Workflow ${workflow} has ${state.status === 'succeeded' ? 'succeeded' : 'been cancelled'}; only a failed one can be retried.`, { workflow, status: state.status });
    }
    const found = await this.sort(workflow);
    if (found.dead.size + found.parked.length + found.unsent.length === 0) return 0;
    // First, so that what is sent now is let in, and what is turned away at this moment is sent by whoever turns it away.
    await this.resume(workflow);
    let steps = 0;
    for (const [queue, uuids] of found.dead) steps += await this.sender.replay(queue, uuids);
    // Once more: some may have been turned away just before.
    const parked = new Map([...found.parked, ...(await this.sort(workflow)).parked]);
    for (const [key, step] of parked) await this.unparkOne(workflow, key, step);
    steps += parked.size;
    for (const { path, input } of found.unsent) {
      await this.driver.start(workflow, path, input);
      steps++;
    }
    return steps;
  }

  /** From now on its steps are let in again. */
  async resume(workflow: string): Promise<void> {
    const { state, changed } = await this.store.changeState(workflow, resumed);
    if (changed && state !== undefined) this.emit({ type: 'workflow.resumed', workflow, retries: state.retries });
  }

  /** One step that was turned away. */
  async unpark(workflow: string, wanted: string): Promise<void> {
    for await (const { key, stopped } of this.store.stopped(workflow)) {
      if (key !== wanted || stopped.how !== 'parked') continue;
      return this.unparkOne(workflow, key, { stopped, outcome: await new EndedSteps(this.store, workflow).outcomeOf(stopped.path) });
    }
  }

  private async unparkOne(workflow: string, key: string, { stopped: { path, queue, name, args, headers }, outcome }: Waiting): Promise<void> {
    // It had run, and was delivered again because its worker died before what follows was started.
    if (outcome !== undefined) return this.driver.ended(workflow, path, outcome, referenceOf(headers)?.plain);
    // Under its first uuid it has ended; whoever sends it again gives it the same new one.
    await this.sender.sendTo(queue, { uuid: uuidOf({ workflow, path }, key), name, args: [...args], headers: { ...headers, [Header.copy]: v4() } });
  }

  /** What has stopped, and has not gone on since. */
  private async sort(workflow: string): Promise<{ dead: Map<string, Set<string>>; parked: [string, Waiting][]; unsent: Unsent[] }> {
    const ended = new EndedSteps(this.store, workflow);
    const dead = new Map<string, Set<string>>();
    const parked: [string, Waiting][] = [];
    const unsent: Unsent[] = [];
    for await (const { key, stopped } of this.store.stopped(workflow)) {
      const outcome = await ended.outcomeOf(stopped.path);
      if (stopped.how === 'parked') parked.push([key, { stopped, outcome }]);
      else if (outcome !== undefined) continue;
      else if (stopped.how === 'unsent') unsent.push(stopped);
      else dead.set(stopped.queue, (dead.get(stopped.queue) ?? new Set()).add(stopped.uuid));
    }
    return { dead, parked, unsent };
  }
}

/** Which steps have ended since; each group is looked through once. */
class EndedSteps {
  private readonly groups = new Map<StepPath, Promise<Map<number, StepOutcome>>>();

  constructor(private readonly store: WorkflowStore, private readonly workflow: string) {}

  async outcomeOf(path: StepPath): Promise<StepOutcome | undefined> {
    const place = placeOf(path);
    if (place.kind !== 'within') return undefined;
    const parent = await this.store.node(this.workflow, place.parent);
    if (parent?.kind === 'group') return (await this.membersOf(place.parent)).get(place.index);
    return this.store.step(this.workflow, path);
  }

  private membersOf(group: StepPath): Promise<Map<number, StepOutcome>> {
    let members = this.groups.get(group);
    if (members === undefined) this.groups.set(group, members = this.read(group));
    return members;
  }

  private async read(group: StepPath): Promise<Map<number, StepOutcome>> {
    const members = new Map<number, StepOutcome>();
    for await (const { index, outcome } of this.store.members(this.workflow, group)) members.set(index, outcome);
    return members;
  }
}
