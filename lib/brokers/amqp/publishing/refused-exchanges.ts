import { missingRightIn } from '../../../amqp/missing-right.js';
import type { ChannelClosure } from '../../../amqp/open-channel.js';
import { clock } from '../../../time/clock.js';

/** For so long nothing more is tried with an exchange that we may not write to: each try ends the channel, for all others too. */
const KEPT_MS = 30_000;

/** What permissions call the exchange without a name. */
const DEFAULT_EXCHANGE = 'amq.default';

/** The exchanges that the broker did not let us publish to, and what it said. */
export class RefusedExchanges {
  private readonly closures = new Map<string, { closure: ChannelClosure; until: number }>();

  /** The exchange that a channel was closed for, if that is why. */
  note(closure: ChannelClosure, now: number): string | undefined {
    const missing = closure.code === 403 ? missingRightIn(closure.text) : undefined;
    if (missing?.kind !== 'exchange') return undefined;
    const exchange = missing.name === DEFAULT_EXCHANGE ? '' : missing.name;
    this.closures.set(exchange, { closure, until: now + KEPT_MS });
    return exchange;
  }

  /** Why this one need not be sent. */
  find(exchange: string): ChannelClosure | undefined {
    if (this.closures.size === 0) return undefined;
    const known = this.closures.get(exchange);
    if (known === undefined || known.until > clock.elapsed()) return known?.closure;
    this.closures.delete(exchange);
    return undefined;
  }

  forget(): void {
    this.closures.clear();
  }
}
