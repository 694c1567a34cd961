import { AmqpLink } from '../foreign/amqp/amqp-link.js';
import { Pidbox, type Revocation } from '../foreign/celery/pidbox.js';
import type { EventSink } from '../events/dispatcher-event.js';
import { clock } from '../time/clock.js';
import type { CancelReasonOf } from '../worker/gates/cancel-gate.js';
import type { ResolvedConfig } from './config/resolve-config.js';
import type { ManagedWorker } from './worker-registry.js';

/** As many, and for as long, as a worker of Celery remembers. */
const MOST_IDS = 50_000;
const REMEMBERED_MS = 3 * 3_600_000;
const REASON = 'revoked by Celery';

/** Tasks that Celery has revoked, as its own workers remember them: in memory, from the moment on that they listen. */
export class Revocations {
  private readonly until = new Map<string, number>();
  private pidbox: Pidbox | undefined;

  constructor(
    private readonly config: Pick<ResolvedConfig, 'broker' | 'tls' | 'foreignResults'>, private readonly workers: () => readonly Pick<ManagedWorker, 'cancel'>[],
    private readonly emit: EventSink,
  ) {}

  /** Whether a task is called off by somebody, or revoked. */
  or(calledOff: CancelReasonOf): CancelReasonOf {
    return (task) => calledOff(task) ?? this.reasonOf(task.uuid);
  }

  /** Resolves when they are heard of. Never rejects. */
  async watch(): Promise<void> {
    const { broker, tls, foreignResults } = this.config;
    if (this.pidbox !== undefined || !/^amqps?:/i.test(broker.reveal()) || !foreignResults.some(({ format }) => format === 'celery')) return;
    const warn = (message: string): void => this.emit({ type: 'broker.warning', message });
    const link = new AmqpLink({ url: broker, tls, name: `dispatcher:${process.pid}:celery-revocations`, warn });
    this.pidbox = new Pidbox(link, (revocation) => this.take(revocation), warn);
    await this.pidbox.start();
  }

  async stop(): Promise<void> {
    await this.pidbox?.stop();
  }

  take({ ids, terminate }: Revocation): void {
    for (const id of ids) {
      this.until.delete(id);
      this.until.set(id, clock.elapsed() + REMEMBERED_MS);
    }
    for (const oldest of this.until.keys()) {
      if (this.until.size <= MOST_IDS) break;
      this.until.delete(oldest);
    }
    if (!terminate) return;
    const named = new Set(ids);
    for (const worker of this.workers()) worker.cancel(({ uuid }) => (named.has(uuid) ? REASON : undefined));
  }

  private reasonOf(uuid: string): string | undefined {
    const until = this.until.size === 0 ? undefined : this.until.get(uuid);
    return until === undefined || until <= clock.elapsed() ? undefined : REASON;
  }
}
