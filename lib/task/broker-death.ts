import { Header, republishableHeaders } from './headers.js';
import type { TaskHeaders } from './task.js';

/** One entry of `x-death`: what RabbitMQ says of a message that it moved itself. */
export interface BrokerDeath {
  readonly queue: string | undefined;
  readonly reason: string | undefined;
  readonly at: Date | undefined;
  readonly exchange: string | undefined;
  readonly routingKey: string | undefined;
}

/** The newest first. */
export function brokerDeaths(headers: TaskHeaders | undefined): BrokerDeath[] {
  const list: unknown = headers?.['x-death'];
  return Array.isArray(list) ? (list as unknown[]).filter((entry) => typeof entry === 'object' && entry !== null).map((entry) => read(entry as Record<string, unknown>)) : [];
}

/**
 * The headers of a message that is published again to the queue that it was in, to stay there as what it is. What
 * RabbitMQ has written must not travel again; that it gave up a task says a dead letter in our words then.
 */
export function headersToStay(headers: TaskHeaders | undefined, queue: string): TaskHeaders {
  const kept = republishableHeaders(headers);
  const death = brokerDeaths(headers).find(({ reason, queue: from }) => reason === 'delivery_limit' && from !== queue);
  if (death === undefined || kept[Header.deadReason] !== undefined) return kept;
  const said = {
    [Header.deadReason]: 'delivery-limit', [Header.deadAt]: death.at?.toISOString(), [Header.deadQueue]: death.queue,
    [Header.originExchange]: death.exchange, [Header.originRoutingKey]: death.routingKey,
  };
  for (const [name, value] of Object.entries(said)) if (value !== undefined) kept[name] ??= value;
  return kept;
}

function read(entry: Record<string, unknown>): BrokerDeath {
  const seconds = (entry.time as { value?: unknown } | undefined)?.value;
  const [key] = Array.isArray(entry['routing-keys']) ? (entry['routing-keys'] as unknown[]) : [];
  return {
    queue: text(entry.queue), reason: text(entry.reason), exchange: text(entry.exchange), routingKey: text(key),
    at: typeof seconds === 'number' ? new Date(seconds * 1000) : undefined,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
