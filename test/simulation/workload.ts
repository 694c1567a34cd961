import type { DispatcherParts } from '../../lib/dispatcher/dispatcher-parts.js';
import type { PublishedTask } from '../../lib/dispatcher/publishing/published-task.js';
import { inferArguments } from '../../lib/task/argument-form.js';
import type { SendOptions } from '../../lib/task/task.js';
import { chain, chord, group, task } from '../../lib/workflows/workflow.js';
import type { Flow, Flows } from './flows.js';
import type { End, Plan } from './handlers.js';
import type { Ledger } from './ledger.js';
import type { Scenario, Work } from './scenario.js';
import type { World } from './world.js';

const KEYS = ['a', 'b', 'c'];
const SHARES: Readonly<Record<End, number>> = { ok: 8, fail: 2, 'give-up': 0.3, hang: 0.2, deaf: 0.1 };
/** Of steps of workflows: most of them are to come to their end. */
const STEP_SHARES: Readonly<Record<End, number>> = { ok: 20, fail: 2, 'give-up': 0.2, hang: 0.2, deaf: 0.1 };

export interface Piece {
  readonly kind: Work;
  publish(parts: DispatcherParts): void;
}

/** What is published in the course of a run. */
export class Workload {
  private made = 0;

  constructor(private readonly world: World, private readonly scenario: Scenario, private readonly ledger: Ledger, private readonly flows: Flows) {}

  get isLeft(): boolean {
    return this.made < this.scenario.works;
  }

  next(): Piece {
    this.made++;
    const { chance } = this.world;
    const kind = chance.byShare(this.scenario.work);
    switch (kind) {
      case 'plain': return this.task(kind, 'plain', [this.plan(SHARES)]);
      case 'delayed': return this.task(kind, 'plain', [this.plan(SHARES)], { delaySeconds: chance.between(1, 60) });
      case 'limited': return this.task(kind, 'limited', [this.plan(SHARES)]);
      case 'keyed': return this.task(kind, 'keyed', [this.plan(SHARES), chance.oneOf(KEYS)]);
      case 'unique': return this.unique(chance.oneOf(KEYS));
      case 'chain': case 'group': case 'chord': return this.flow(kind);
    }
  }

  private task(kind: Work, name: string, args: unknown[], options: SendOptions = {}): Piece {
    const uuid = `task-${this.made}`;
    return { kind, publish: (parts) => void this.publish(parts, uuid, name, args, options).then(() => this.ledger.accepted(uuid), () => undefined) };
  }

  private unique(key: string): Piece {
    const uuid = `task-${this.made}`;
    const args = [this.plan(SHARES), key];
    return {
      kind: 'unique',
      publish: (parts) => {
        const before = this.ledger.holdersOf(key);
        this.publish(parts, uuid, 'unique', args, { unique: { scope: 'untilFinished', key } }).then(
          ({ unique }) => { if (unique !== undefined) this.ledger.claimed(uuid, key, unique, before); }, () => undefined);
      },
    };
  }

  private publish(parts: DispatcherParts, uuid: string, name: string, args: unknown[], options: SendOptions): Promise<PublishedTask> {
    return parts.publishing.publish({ ...options, name, uuid, args: inferArguments(args) }, []);
  }

  private flow(kind: Flow['kind']): Piece {
    const id = `flow-${this.made}`;
    const size = this.world.chance.between(1, 5);
    const steps = Array.from({ length: size }, (_, index) => task('step', this.plan(STEP_SHARES), id, index));
    const collect = task('collect', this.plan(STEP_SHARES), id);
    const workflow = kind === 'chain' ? chain(...steps) : kind === 'group' ? group(...steps) : chord(steps, collect);
    const uuid = `00000000-0000-4000-8000-${String(this.made).padStart(12, '0')}`;
    this.flows.add({ id, kind, size });
    return { kind, publish: (parts) => void parts.workflows.publish(workflow, { uuid }).then(() => this.flows.accepted(id), () => undefined) };
  }

  private plan(shares: Readonly<Record<End, number>>): Plan {
    const { chance } = this.world;
    return Array.from({ length: chance.between(1, 5) }, () => `${chance.byShare(shares)}:${chance.between(0, this.scenario.longestRunMs)}`).join(',');
  }
}
