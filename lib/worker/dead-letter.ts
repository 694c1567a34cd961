import type { Delivery, Message } from '../brokers/broker.js';
import { BodyKeyError, ClaimMissingError, InvalidArgumentsError, InvalidBodyError, InvalidTaskError, TaskTooLargeError, UnauthenticatedBodyError, UnsupportedTaskError } from '../errors.js';
import type { DeadReason } from '../events/dispatcher-event.js';
import { errorStory, placesOf } from '../task/error-story.js';
import { isA } from '../task/error-text.js';
import { Header, republishableHeaders } from '../task/headers.js';
import type { TaskHeaders } from '../task/task.js';
import { historyWith } from './attempt-history.js';
import { cameBack } from './came-back.js';

const ERROR_TEXT_LENGTH = 2_000;
const STACK_LENGTH = 8_000;
const ISSUES_LENGTH = 8_000;

/** What is known of an end at the moment when it happens. */
export interface DeathCertificate {
  reason: DeadReason;
  error: unknown;
  attempt: number;
  worker: string;
  at: Date;
  /** Of whoever traced its last attempt. */
  headers?: TaskHeaders | undefined;
}

/** The delivery as a dead letter: the same bytes and properties, and beside them why, where and when. */
export function deadLetterMessage(delivery: Delivery, death: DeathCertificate): Message {
  const ours = deathHeaders(delivery, death);
  const senders = withOrigin(republishableHeaders(delivery.properties.headers), delivery);
  return { body: delivery.body, properties: { ...delivery.properties, headers: { ...senders, ...ours } } };
}

/** The headers with which a delivery is sent on to its own queue; where it was published, and that it came back, stays known. */
export function forwardedHeaders(delivery: Delivery, changes: TaskHeaders): TaskHeaders {
  const headers = withOrigin(republishableHeaders(delivery.properties.headers), delivery);
  if (cameBack(delivery)) headers[Header.redeliveries] = 1;
  return { ...headers, ...changes };
}

/** Which reason an error of decoding stands for. */
export function reasonOf(error: unknown): DeadReason {
  if (error instanceof TaskTooLargeError) return 'too-large';
  if (error instanceof InvalidTaskError) return 'invalid-arguments';
  if (error instanceof UnauthenticatedBodyError) return 'unauthenticated';
  if (error instanceof BodyKeyError) return 'no-key';
  if (error instanceof ClaimMissingError) return 'claim-missing';
  if (error instanceof UnsupportedTaskError) return 'unsupported';
  return error instanceof InvalidBodyError ? 'invalid-body' : 'failed';
}

function deathHeaders(delivery: Delivery, death: DeathCertificate): TaskHeaders {
  const { error } = death;
  const at = death.at.toISOString();
  const headers: TaskHeaders = {
    ...death.headers,
    [Header.attempt]: death.attempt,
    [Header.history]: historyWith(delivery.properties.headers, { attempt: death.attempt, at, worker: death.worker, error }),
    [Header.deadReason]: death.reason,
    [Header.deadError]: errorStory(error, ERROR_TEXT_LENGTH),
    [Header.deadAt]: at,
    [Header.deadQueue]: delivery.queue,
    [Header.deadWorker]: death.worker,
  };
  const places = placesOf(error, STACK_LENGTH);
  if (places !== undefined) headers[Header.deadStack] = places;
  if (isA(error, InvalidArgumentsError)) headers[Header.deadIssues] = JSON.stringify(within(error.issues, ISSUES_LENGTH));
  return headers;
}

/** As many as fit, and how many more there were. */
function within(issues: readonly string[], most: number): readonly string[] {
  let length = 0;
  const kept = issues.filter((issue) => (length += issue.length) <= most);
  return kept.length === issues.length ? issues : [...kept, `and ${issues.length - kept.length} more`];
}

function withOrigin(headers: TaskHeaders, delivery: Delivery): TaskHeaders {
  headers[Header.originExchange] ??= delivery.exchange;
  headers[Header.originRoutingKey] ??= keyOf(delivery);
  return headers;
}

/** What Hutch and its kin have delayed comes by the key of its delay, and names its own in `CC`, which is not sent on. */
function keyOf({ routingKey, properties: { headers } }: Delivery): string {
  const keys = headers?.['x-death'] === undefined ? undefined : headers.CC;
  const own = Array.isArray(keys) ? keys[0] : undefined;
  return typeof own === 'string' ? own : routingKey;
}
