import { Header } from '../../../task/headers.js';
import type { JsonMembers } from '../../../task/json-members.js';
import type { HeaderValue, TaskHeaders } from '../../../task/task.js';

/** The member of a job in which our headers travel; the other systems let be what they do not know. */
const OURS = 'dispatcher';
/** What the queue says, or the job itself. */
const SAID_OTHERWISE: readonly string[] = [Header.format, Header.attempt, Header.originExchange, Header.originRoutingKey];

/** Headers that a job has, taken off it. */
export function takeHeaders(job: JsonMembers): TaskHeaders {
  const text = job.raw(OURS);
  if (text === undefined) return {};
  job.delete(OURS);
  const headers: unknown = JSON.parse(text);
  return typeof headers === 'object' && headers !== null && !Array.isArray(headers) ? { ...headers as TaskHeaders } : {};
}

/** Only where they say something: a plain job looks as its own system writes it. */
export function addHeaders(job: JsonMembers, headers: TaskHeaders | undefined, saidOtherwise: readonly string[] = SAID_OTHERWISE): void {
  job.delete(OURS);
  const said = Object.entries(headers ?? {}).filter(([name, value]) => value !== undefined && !saidOtherwise.includes(name));
  if (said.length > 0) job.set(OURS, JSON.stringify(Object.fromEntries(said)));
}

/** Why a message failed last, by our headers. */
export interface LastFailure {
  readonly errorClass: string;
  readonly message: string;
  readonly atMs: number;
}

/** Of a dead letter, or of what is tried again: the attempt before it. `undefined`: it has not failed. */
export function lastFailure(headers: TaskHeaders): LastFailure | undefined {
  const { [Header.deadError]: error, [Header.deadAt]: at } = headers;
  if (typeof error === 'string') return failureOf(error, at);
  const failed = historyOf(headers[Header.history]).at(-1);
  return failed === undefined || failed.attempt !== Number(headers[Header.attempt] ?? 1) - 1 ? undefined : failureOf(failed.error, failed.at);
}

function failureOf(story: string, at: HeaderValue | undefined): LastFailure {
  const [, errorClass = 'Error', message = story] = /^([A-Za-z_$][\w$.]*): ([\s\S]*)$/.exec(story) ?? [];
  const atMs = typeof at === 'string' ? Date.parse(at) : NaN;
  return { errorClass, message, atMs: Number.isNaN(atMs) ? 0 : atMs };
}

function historyOf(text: HeaderValue | undefined): readonly { readonly attempt: number; readonly at: string; readonly error: string }[] {
  try {
    const history: unknown = typeof text === 'string' ? JSON.parse(text) : [];
    return Array.isArray(history) ? history as [] : [];
  } catch {
    return [];
  }
}
