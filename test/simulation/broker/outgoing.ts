import type { Address, Message } from '../../../lib/brokers/broker.js';
import type { ClockTimer } from '../../../lib/time/clock.js';

/** A publish that nobody has answered yet. */
export interface Outgoing {
  readonly message: Message;
  readonly address: Address;
  /** By the clock that nobody sets; absent: at once. */
  readonly dueAt: number | undefined;
  readonly timer: ClockTimer;
  /** It may have arrived, whatever becomes of it here. */
  isSent: boolean;
  resolve(): void;
  reject(error: Error): void;
}
