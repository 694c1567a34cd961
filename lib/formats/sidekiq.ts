import { isUtf8 } from 'node:buffer';
import { toHandlerValue } from '../task/argument-types.js';
import { attemptIn, Header } from '../task/headers.js';
import { JsonMembers } from '../task/json-members.js';
import type { RetryPolicy } from '../task/retry-policy.js';
import type { Task, TaskArgument, TaskHeaders } from '../task/task.js';
import type { ArrivedMessage, EncodedTask, Format } from './format.js';
import { inferredArgument } from './inferred.js';
import { plainJson } from './plain-json.js';
import { isObject, malformed, nonEmptyString, readJsonObject } from './read-json.js';

const CONTENT_TYPE = 'application/json';
const KEYS = '{"class","args","jid"}';
const LONGEST_DELAY_SECONDS = 365 * 86_400;
/** Where a job says no more than that it is to be retried. */
const DEFAULT_RETRIES = 25;

interface Dialect {
  readonly name: string;
  /** How often it is retried, by what its message says; `undefined`: it says nothing. */
  readonly retriesOf: (job: Record<string, unknown>) => number | undefined;
  readonly retryMembers: (attempts: number) => Record<string, string>;
  /** What chance adds to a pause, in seconds, at most, for the first retry. */
  readonly chanceSeconds: number;
}

/**
 * Jobs of Sidekiq: the class is the name, `args` are the arguments. On a broker of Redis the queue is Sidekiq's own, with
 * its sets of what is scheduled, retried and dead. Source: Sidekiq 6.4.1 and its documentation of the job format, as observed.
 */
export const sidekiqFormat: Format = {
  ...dialect({
    name: 'sidekiq',
    retriesOf: ({ retry }) => (retry === true ? DEFAULT_RETRIES : retry === false ? 0 : countOf(retry)),
    retryMembers: (attempts) => ({ retry: String(attempts - 1) }),
    chanceSeconds: 10,
  }),

  recognises({ body }: ArrivedMessage, content: () => unknown): boolean {
    if (!isUtf8(body)) return false;
    const job = content();
    return isObject(job) && typeof job.class === 'string' && Array.isArray(job.args) && typeof job.jid === 'string';
  },
};

/**
 * The same as jrallison/go-workers writes it, which says otherwise how often a job is retried. It looks as Sidekiq's does:
 * the queue says whose it is. Source: go-workers dbf81d0, as observed.
 */
export const goWorkersFormat: Format = dialect({
  name: 'goworkers',
  retriesOf: ({ retry, retry_max: max }) => (retry === true ? countOf(max) ?? DEFAULT_RETRIES : retry === undefined ? undefined : 0),
  retryMembers: (attempts): Record<string, string> => (attempts <= 1 ? {} : { retry: 'true', retry_max: String(attempts - 1) }),
  chanceSeconds: 30,
});

function dialect(own: Dialect): Format {
  return {
    name: own.name,
    contentType: CONTENT_TYPE,

    encode(task: Task): EncodedTask {
      const known = task.arrived?.format === own.name ? (task.arrived.envelope as string) : undefined;
      const job = known === undefined ? fresh(task, own) : JsonMembers.parse(known);
      job.set('class', JSON.stringify(task.name)).set('args', `[${task.args.map(argumentText).join(',')}]`).set('jid', JSON.stringify(task.uuid));
      return { body: Buffer.from(job.toString()), properties: { contentType: CONTENT_TYPE, messageId: task.uuid, headers: task.headers } };
    },

    decode(message: ArrivedMessage): Task {
      const job = readJsonObject(message.body, KEYS);
      const { jid, class: name, args } = job;
      const uuid = nonEmptyString(jid);
      if (uuid === undefined) throw malformed('"jid" must be a string that is not empty', jid);
      if (typeof name !== 'string' || name === '') throw malformed('"class" must be a string that is not empty', name);
      if (!Array.isArray(args)) throw malformed('"args" must be a list', args);
      const headers = workerHeaders(job, message.properties.headers);
      return {
        uuid, name, args: args.map(inferredArgument).map(({ type, value }): TaskArgument => ({ type, value: toHandlerValue(type, value) })), headers,
        arrived: { format: own.name, envelope: message.body.toString(), retry: retryOf(own, job, attemptIn(headers)) },
      };
    },

    identify({ body }: ArrivedMessage): { uuid?: string; name?: string } {
      try {
        const { jid, class: name } = readJsonObject(body, KEYS);
        return { uuid: nonEmptyString(jid), name: nonEmptyString(name) };
      } catch {
        return {};
      }
    },
  };
}

/** Where it does not say how often it may start, it is for the class at the other side to say. */
function fresh({ headers }: Task, { retryMembers }: Dialect): JsonMembers {
  const attempts = attemptsIn(headers);
  return JsonMembers.of({ ...(attempts === undefined ? {} : retryMembers(attempts)), class: '', args: '' });
}

function attemptsIn(headers: TaskHeaders | undefined): number | undefined {
  const retry = headers?.[Header.retry];
  return typeof retry === 'string' ? (JSON.parse(retry) as { attempts?: number }).attempts : undefined;
}

function argumentText({ type, value }: TaskArgument): string {
  return plainJson(value, /float/.test(type));
}

/** It counts from 0, and only once an attempt has failed. */
function workerHeaders({ retry_count: count }: Record<string, unknown>, headers: TaskHeaders | undefined): TaskHeaders | undefined {
  const failures = countOf(count);
  return failures === undefined || headers?.[Header.attempt] !== undefined ? headers : { ...headers, [Header.attempt]: failures + 2 };
}

/** As Sidekiq pauses: failures^4 + 15 seconds, and up to 10 times as many as there are failures, of which chance takes a part. */
function retryOf({ retriesOf, chanceSeconds }: Dialect, job: Record<string, unknown>, attempt: number): RetryPolicy | undefined {
  const retries = retriesOf(job);
  if (retries === undefined) return undefined;
  const chance = chanceSeconds * attempt;
  const longest = (attempt - 1) ** 4 + 15 + chance;
  return { attempts: retries + 1, backoff: 'fixed', delaySeconds: Math.min(longest, LONGEST_DELAY_SECONDS), maxDelaySeconds: LONGEST_DELAY_SECONDS, jitter: chance / longest };
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
