import type { Run } from './account.js';
import { ATTEMPTS } from './attempts.js';

export interface Flow {
  readonly id: string;
  readonly kind: 'chain' | 'group' | 'chord';
  readonly size: number;
}

interface Known extends Flow {
  isAccepted: boolean;
  /** A step of it may have failed for good: then nothing need follow. */
  mayHaveFailed: boolean;
  readonly succeeded: Set<number>;
  isCollected: boolean;
  /** Of the steps that were begun. */
  readonly uuids: Set<string>;
}

/** What workflows have come to: each step follows from those before it, and from nothing else. */
export class Flows {
  private readonly known = new Map<string, Known>();

  constructor(private readonly hold: (isKept: boolean, promise: string) => void) {}

  add(flow: Flow): void {
    this.known.set(flow.id, { ...flow, isAccepted: false, mayHaveFailed: false, succeeded: new Set(), isCollected: false, uuids: new Set() });
  }

  accepted(id: string): void {
    this.known.get(id)!.isAccepted = true;
  }

  /** @param before what the step got of the one before it */
  stepBegan(id: string, index: number, before: unknown): void {
    const flow = this.known.get(id);
    if (flow?.kind !== 'chain' || index === 0) return;
    this.hold(flow.succeeded.has(index - 1), `step ${index} of the chain ${id} starts, and the one before it has not succeeded`);
    this.hold(before === valueOf(id, index - 1), `step ${index} of the chain ${id} was given ${JSON.stringify(before)}`);
  }

  collectBegan(id: string, results: unknown): void {
    const flow = this.known.get(id)!;
    const expected = Array.from({ length: flow.size }, (_, index) => valueOf(id, index));
    this.hold(flow.succeeded.size === flow.size, `the callback of the chord ${id} starts after ${flow.succeeded.size} of ${flow.size} members`);
    this.hold(JSON.stringify(results) === JSON.stringify(expected), `the callback of the chord ${id} was given ${JSON.stringify(results)}`);
  }

  began(id: string, { uuid }: Run): void {
    this.known.get(id)!.uuids.add(uuid);
  }

  /** @param index absent: its callback */
  ended(id: string, index: number | undefined, { state, attempt }: Run): void {
    const flow = this.known.get(id)!;
    if (state === 'returned') {
      if (index === undefined) flow.isCollected = true;
      else flow.succeeded.add(index);
    } else if (state === 'gave-up' || (state !== 'gone' && attempt >= ATTEMPTS)) {
      flow.mayHaveFailed = true;
    }
  }

  /**
   * What should be over, and is not.
   *
   * @param isDead a step that is a dead letter, also because its processes died, ends its workflow
   */
  leftovers(isExcused: boolean, isDead: (uuid: string) => boolean): string[] {
    const open = [...this.known.values()].filter(({ isAccepted, mayHaveFailed, succeeded, size, kind, isCollected, uuids }) => (
      isAccepted && ![...uuids].some(isDead) && !mayHaveFailed && !isExcused && !(succeeded.size === size && (kind !== 'chord' || isCollected))));
    return open.length === 0 ? [] : [`${open.length} workflows are not over, such as ${open[0]!.kind} ${open[0]!.id}`];
  }
}

export function valueOf(id: string, index: number): string {
  return `${id}/${index}`;
}
