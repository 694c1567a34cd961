import { InvalidTaskError } from '../errors.js';
import type { StepPath } from './paths.js';
import { placeOf } from './paths.js';
import type { Stopped } from './stopped-step.js';
import type { StepSender } from './step-sender.js';
import { uuidOf } from './workflow-header.js';
import type { WorkflowDriver } from './workflow-driver.js';
import { resumed } from './workflow-state.js';
import type { WorkflowStore } from './workflow-store.js';

type Parked = Extract<Stopped, { how: 'parked' }>;

/** Makes a failed workflow go on from where it stopped. */
export class WorkflowRetries {
  constructor(private readonly store: WorkflowStore, private readonly driver: WorkflowDriver, private readonly sender: StepSender) {}

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
    await this.store.changeState(workflow, resumed);
    let steps = 0;
    for (const [queue, uuids] of found.dead) steps += await this.sender.replay(queue, uuids);
    const parked = [...found.parked, ...(await this.sort(workflow)).parked];
    for (const [key, step] of new Map(parked)) {
      await this.send(workflow, key, step);
      steps++;
    }
    for (const { path, input } of found.unsent) {
      await this.driver.start(workflow, path, input);
      steps++;
    }
    return steps;
  }

  /** One step that was turned away. */
  async unpark(workflow: string, wanted: string): Promise<void> {
    for await (const { key, stopped } of this.store.stopped(workflow)) {
      if (key === wanted && stopped.how === 'parked') return this.send(workflow, key, stopped);
    }
  }

  private async send(workflow: string, key: string, { path, queue, name, args, headers }: Parked): Promise<void> {
    // Under its first uuid it has ended; whoever sends it again gives it the same new one.
    await this.sender.sendTo(queue, { uuid: uuidOf({ workflow, path }, key), name, args: [...args], headers });
  }

  /** What has stopped and has not ended otherwise since. */
  private async sort(workflow: string): Promise<{ dead: Map<string, Set<string>>; parked: [string, Parked][]; unsent: Extract<Stopped, { how: 'unsent' }>[] }> {
    const done = new EndedSteps(this.store, workflow);
    const dead = new Map<string, Set<string>>();
    const parked: [string, Parked][] = [];
    const unsent: Extract<Stopped, { how: 'unsent' }>[] = [];
    for await (const { key, stopped } of this.store.stopped(workflow)) {
      if (await done.has(stopped.path)) continue;
      if (stopped.how === 'unsent') unsent.push(stopped);
      else if (stopped.how === 'parked') parked.push([key, stopped]);
      else dead.set(stopped.queue, (dead.get(stopped.queue) ?? new Set()).add(stopped.uuid));
    }
    return { dead, parked, unsent };
  }
}

/** Which steps have ended well since; each group is looked through once. */
class EndedSteps {
  private readonly groups = new Map<StepPath, Promise<Set<number>>>();

  constructor(private readonly store: WorkflowStore, private readonly workflow: string) {}

  async has(path: StepPath): Promise<boolean> {
    const place = placeOf(path);
    if (place.kind !== 'within') return false;
    const parent = await this.store.node(this.workflow, place.parent);
    if (parent?.kind === 'group') return (await this.membersOf(place.parent)).has(place.index);
    return (await this.store.step(this.workflow, path))?.kind === 'value';
  }

  private membersOf(group: StepPath): Promise<Set<number>> {
    let members = this.groups.get(group);
    if (members === undefined) this.groups.set(group, members = this.read(group));
    return members;
  }

  private async read(group: StepPath): Promise<Set<number>> {
    const members = new Set<number>();
    for await (const { index } of this.store.members(this.workflow, group)) members.add(index);
    return members;
  }
}
