import type { Priority } from '../task/priority.js';
import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import type { TaskHeaders } from '../task/task.js';
import { DispatcherTesting } from './dispatcher-testing.js';
import type { PublishedRecord } from './published.js';
import type { TaskReference } from './task-reference.js';

/** How a task is expected to have been published; what is left out may be anything. @publicApi */
export interface ExpectedPublish {
  readonly delaySeconds?: number;
  /** One of the queues that it went to. */
  readonly queue?: string;
  readonly routingKey?: string;
  readonly priority?: Priority;
  /** Whether it holds a unique key. */
  readonly unique?: boolean;
  /** From its publishing on. */
  readonly expiresInSeconds?: number;
  /** Those headers that are named. */
  readonly headers?: TaskHeaders;
  readonly dispatcher?: string;
  /** How many there are that fit. Default: at least one. */
  readonly times?: number;
}

/** What `expect` can do once it has been extended by {@link dispatcherMatchers}. @publicApi */
export interface PublishMatchers<Result> {
  /** A task was published: by its name, or typed by `taskOf(MailTasks, 'send')`; with these arguments; so. */
  toHavePublished<Args extends readonly unknown[]>(task: string | TaskReference<Args>, args?: Args, options?: ExpectedPublish): Result;
}

/** What `this` is in a matcher, in Jest and in vitest. */
interface MatcherContext {
  readonly isNot?: boolean;
  equals(one: unknown, other: unknown, testers?: unknown[]): boolean;
  readonly utils: { diff(expected: unknown, received: unknown): string | null | undefined; printExpected(value: unknown): string; printReceived(value: unknown): string };
}

interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** As many as are of use in a message. */
const MOST_SHOWN = 5;
const OPTIONS: readonly string[] = ['delaySeconds', 'queue', 'routingKey', 'priority', 'unique', 'expiresInSeconds', 'headers', 'dispatcher', 'times'] satisfies (keyof ExpectedPublish)[];

/**
 * For `expect.extend(dispatcherMatchers)` of Jest and vitest:
 *
 *     expect(testing).toHavePublished('resize', ['cat.png', 100], { delaySeconds: 60 });
 *     expect(testing).not.toHavePublished(taskOf(MailTasks, 'send'));
 *
 * Arguments are compared as `toEqual` does, asymmetric ones (`expect.any(String)`) included. Types come with
 * `import 'nestjs-dispatcher/testing/vitest'` or `import 'nestjs-dispatcher/testing/jest'`.
 *
 * @publicApi
 */
export const dispatcherMatchers = {
  toHavePublished(this: MatcherContext, testing: unknown, task: string | TaskReference, args?: readonly unknown[], options: ExpectedPublish = {}): MatcherResult {
    if (!(testing instanceof DispatcherTesting)) throw new ConfigurationError(`expect(...).toHavePublished takes a DispatcherTesting; found ${display(testing)}.`);
    const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
    if (unknown !== undefined) throw new ConfigurationError(`toHavePublished has no option "${unknown}"; it has ${OPTIONS.join(', ')}.`);
    const name = typeof task === 'string' ? task : task.name;
    const { times, ...expected } = options;
    const fitting = testing.published(name).filter((record) => fits(this, record, args, expected));
    const pass = times === undefined ? fitting.length > 0 : fitting.length === times;
    return { pass, message: () => textOf(this, { testing, name, args, expected, times, pass, fitting }) };
  },
};

function fits(context: MatcherContext, record: PublishedRecord, args: readonly unknown[] | undefined, expected: ExpectedPublish): boolean {
  if (args !== undefined && !context.equals([...record.args], [...args])) return false;
  const { queue, headers, ...rest } = expected;
  if (queue !== undefined && !record.queues.includes(queue)) return false;
  if (headers !== undefined && !Object.entries(headers).every(([name, value]) => context.equals(record.headers[name], value))) return false;
  const found: Record<string, unknown> = comparable(record);
  return Object.entries(rest).every(([name, value]) => value === undefined || context.equals(found[name], value));
}

/** A record in the words of what is expected. */
function comparable({ delaySeconds, routingKey, priority, unique, publishedAt, expiresAt, headers, dispatcher, queues }: PublishedRecord) {
  return {
    delaySeconds, routingKey, priority, unique: unique !== undefined, headers, dispatcher, queue: queues.join(', '),
    expiresInSeconds: expiresAt === undefined ? undefined : (expiresAt.getTime() - publishedAt.getTime()) / 1_000,
  };
}

interface Told {
  readonly testing: DispatcherTesting;
  readonly name: string;
  readonly args: readonly unknown[] | undefined;
  readonly expected: ExpectedPublish;
  readonly times: number | undefined;
  readonly pass: boolean;
  readonly fitting: readonly PublishedRecord[];
}

function textOf({ utils }: MatcherContext, { testing, name, args, expected, times, pass, fitting }: Told): string {
  const wanted = { ...(args === undefined ? {} : { args }), ...expected };
  const described = `task "${name}"${Object.keys(wanted).length === 0 ? '' : ` with ${utils.printExpected(wanted)}`}`;
  const ofName = testing.published(name);
  if (pass) return `Expected that ${described} was not published${times === undefined ? '' : ` ${times} times`}, but it was: ${utils.printReceived(fitting.slice(0, MOST_SHOWN).map(({ args: found }) => found))}`;
  if (times !== undefined && fitting.length > 0) return `Expected ${described} to be published ${times} times; it was ${fitting.length} times.`;
  const [nearest] = ofName;
  if (nearest === undefined) return `Expected ${described} to be published; no task of that name was. Published: ${namesOf(testing.published())}.`;
  const others = ofName.slice(0, MOST_SHOWN).map((record) => utils.diff(wanted, shownAs(wanted, record)) ?? '').join('\n');
  return `Expected ${described} to be published; ${ofName.length} of that name differ:\n\n${others}`;
}

/** Only what was asked for: the rest is no difference. */
function shownAs(wanted: object, record: PublishedRecord): object {
  const found: Record<string, unknown> = { ...comparable(record), args: record.args };
  return Object.fromEntries(Object.keys(wanted).map((key) => [key, found[key]]));
}

function namesOf(records: readonly PublishedRecord[]): string {
  const names = [...new Set(records.map(({ name }) => `"${name}"`))];
  return names.length === 0 ? 'none' : names.join(', ');
}
