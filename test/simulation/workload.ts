import type { DispatcherParts } from '../../lib/dispatcher/dispatcher-parts.js';
import type { DispatcherEvent } from '../../lib/events/dispatcher-event.js';
import { inferArguments } from '../../lib/task/argument-form.js';
import type { TaskInput } from '../../lib/task/task.js';
import { ENDS, type End, type Plan } from './handlers.js';
import type { Ledger } from './ledger.js';
import type { Scenario, Work } from './scenario.js';
import type { World } from './world.js';

const KEYS = ['a', 'b', 'c'];
const SHARES: Readonly<Record<End, number>> = { ok: 8, fail: 2, 'give-up': 0.3, hang: 0.2, deaf: 0.1 };

export interface Piece {
  readonly kind: Work;
  publish(parts: DispatcherParts): void;
}

/** What is published in the course of a run, and what is to come of it. */
export class Workload {
  private made = 0;

  constructor(private readonly world: World, private readonly scenario: Scenario, private readonly ledger: Ledger) {}

  get isLeft(): boolean {
    return this.made < this.scenario.works;
  }

  next(): Piece {
    this.made++;
    const kind = this.world.chance.byShare(this.scenario.work);
    switch (kind) {
      case 'delayed': return this.task(kind, { name: 'plain', args: [this.plan()], delaySeconds: this.world.chance.between(1, 60) });
      case 'limited': return this.task(kind, { name: 'limited', args: [this.plan()] });
      case 'keyed': return this.task(kind, { name: 'keyed', args: [this.plan(), this.world.chance.oneOf(KEYS)] });
      default: return this.task('plain', { name: 'plain', args: [this.plan()] });
    }
  }

  heard(_event: DispatcherEvent): void {
    // Nothing yet.
  }

  leftovers(): string[] {
    return [];
  }

  private task(kind: Work, { name, args, ...options }: Omit<TaskInput, 'args' | 'uuid'> & { name: string; args: unknown[] }): Piece {
    const uuid = `task-${this.made}`;
    const account = this.ledger.account(uuid);
    account.publish = 'pending';
    return {
      kind,
      publish: (parts) => {
        parts.publishing.publish({ ...options, name, uuid, args: inferArguments(args) }, []).then(() => this.ledger.accepted(uuid), () => { account.publish = 'rejected'; });
      },
    };
  }

  private plan(): Plan {
    const { chance } = this.world;
    const attempts = chance.between(1, 5);
    return Array.from({ length: attempts }, (): string => `${chance.byShare(SHARES)}:${chance.between(0, this.scenario.longestRunMs)}`).join(',');
  }
}

export { ENDS };
