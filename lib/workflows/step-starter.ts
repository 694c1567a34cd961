import { v4 } from 'uuid';
import { BrokerError, DispatcherError, InvalidTaskError, UnroutableTaskError } from '../errors.js';
import { Header } from '../task/headers.js';
import { onceHeaders } from '../task/once.js';
import { inParallel } from './in-parallel.js';
import { firstTasks, leadingGroup, type PlacedTask, type StepPath } from './paths.js';
import type { PlanNode } from './plan-node.js';
import { argumentOf } from './step-argument.js';
import type { StepSender } from './step-sender.js';
import { referenceText, uuidOf } from './workflow-header.js';

/** What a step gets of the one before it. */
export interface StepInput { readonly value: unknown }

/** Publishes the tasks with which a step begins. May be repeated: each has one uuid, and is started once. */
export class StepStarter {
  /** @param rememberSeconds how long after a step's end late copies of its task are still told from it */
  constructor(private readonly sender: StepSender, private readonly rememberSeconds: number) {}

  /** Resolves when the broker has all of them. @throws what `publish` throws */
  async start(workflow: string, path: StepPath, node: PlanNode, input?: StepInput): Promise<void> {
    const limit = leadingGroup(node, path)?.group.sendConcurrency ?? 1;
    await inParallel(firstTasks(node, path), limit, (placed) => this.send(workflow, placed, input));
  }

  async send(workflow: string, { path, task }: PlacedTask, input?: StepInput, plain = false): Promise<void> {
    const own = [...task.args];
    const args = input === undefined || task.immutable === true ? own : [argumentOf(input.value), ...own];
    // A plan that says no version was made by who knew of none, whatever its sender knows.
    await this.sender.send({ version: 1, ...task.options, name: task.name, args, uuid: uuidOf({ workflow, path }) },
      { [Header.workflow]: referenceText({ workflow, path, plain }), ...onceHeaders(this.rememberSeconds), [Header.copy]: v4() });
  }
}

/** The task itself is at fault, or the way to its queue: trying again would change nothing. */
export function cannotBeSent(error: unknown): boolean {
  if (error instanceof InvalidTaskError || error instanceof UnroutableTaskError) return true;
  // What a middleware threw to keep it back.
  return !(error instanceof DispatcherError) || (error.code === 'ERR_DISPATCHER_VETOED' && !(error instanceof BrokerError));
}
