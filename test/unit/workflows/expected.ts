import type { PlanNode } from '../../../lib/workflows/plan-node.js';
import { callbackPath, childPath, type StepPath } from '../../../lib/workflows/paths.js';

export type Expected = { readonly value: unknown } | { readonly error: string };

/** What a tree of steps comes to, by its meaning alone: nothing of how it is carried out is used. */
export class Meaning {
  /** The tasks that run, if none fails. */
  readonly started: StepPath[] = [];

  constructor(private readonly fails: (name: string) => boolean) {}

  of(node: PlanNode, path: StepPath, input?: { value: unknown }): Expected {
    const result = this.plain(node, path, input);
    const [kind, callbacks] = 'value' in result ? ['success', node.onSuccess] as const : ['error', node.onError] as const;
    callbacks?.forEach((callback, index) => this.of(callback, callbackPath(path, kind, index), { value: 'value' in result ? result.value : result.error }));
    return result;
  }

  private plain(node: PlanNode, path: StepPath, input?: { value: unknown }): Expected {
    switch (node.kind) {
      case 'task': {
        this.started.push(path);
        if (this.fails(node.name)) return { error: `Error: ${node.name}` };
        const args = node.args.map(({ value }) => value);
        return { value: [node.name, ...(input === undefined || node.immutable === true ? [] : [input.value]), ...args] };
      }
      case 'chain': return this.inTurn(node.steps, path, input);
      case 'chord': return this.inTurn([node.group, node.callback], path, input);
      case 'group': {
        const results = node.members.map((member, index) => this.of(member, childPath(path, index), input));
        if (node.mode === 'all-settled') {
          return { value: results.map((result) => ('value' in result ? { status: 'fulfilled', value: result.value } : { status: 'rejected', reason: result.error })) };
        }
        return results.find((result) => 'error' in result) ?? { value: results.map((result) => (result as { value: unknown }).value) };
      }
    }
  }

  private inTurn(steps: readonly PlanNode[], path: StepPath, input?: { value: unknown }): Expected {
    let result: Expected = { value: undefined };
    let given = input;
    for (const [index, step] of steps.entries()) {
      result = this.of(step, childPath(path, index), given);
      if ('error' in result) return result;
      given = { value: result.value };
    }
    return result;
  }
}
