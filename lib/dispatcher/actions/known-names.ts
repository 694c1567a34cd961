import type { ProcessInfo } from '../../inspection/model.js';
import { matchesName } from '../../task/name-pattern.js';

export interface KnownNamesDependencies {
  readonly processes: () => Promise<readonly ProcessInfo[]>;
  /** Of the configuration of this process. */
  readonly queues: () => readonly { readonly name: string }[];
}

export type NamedKind = 'queue' | 'task' | 'worker';

/** What goes by which names, as this process and those that answer know it. */
export class KnownNames {
  constructor(private readonly dependencies: KnownNamesDependencies) {}

  /** What is meant by these: a name as it is, known or not; one with `*` all known ones that fit. */
  async meantBy(kind: NamedKind, names: readonly string[], more: readonly string[] = []): Promise<string[]> {
    const known = names.some(isPattern) ? [...await this.known(kind), ...more] : [];
    return meant(names, known);
  }

  async known(kind: NamedKind): Promise<string[]> {
    const workers = (await this.dependencies.processes()).filter(({ status }) => status === 'alive').flatMap((process) => process.workers);
    switch (kind) {
      case 'queue': return [...this.dependencies.queues().map(({ name }) => name), ...workers.map(({ queue }) => queue)];
      case 'task': return workers.flatMap(({ tasks }) => tasks);
      case 'worker': return workers.map(({ name }) => name);
    }
  }
}

export function isPattern(name: string): boolean {
  return name.includes('*');
}

export function meant(names: readonly string[], known: readonly string[]): string[] {
  return [...new Set(names.flatMap((name) => (isPattern(name) ? [...known].sort().filter((one) => matchesName(name, one)) : [name])))];
}
