import { InvalidBodyError, InvalidTaskError } from '../errors.js';
import type { ArrivedMessage, Format } from '../formats/format.js';
import { BUILT_IN_FORMATS } from '../formats/formats.js';
import type { Task } from '../task/task.js';
import { damaged } from './damaged.js';

/** Those of vitest or jest: `formatContract({ describe, it, expect }, ...)`. @publicApi */
export interface TestFunctions {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => void) => unknown;
  readonly expect: (value: unknown) => { toBe(expected: unknown): unknown; toEqual(expected: unknown): unknown };
}

/** @publicApi */
export interface FormatUnderTest {
  readonly format: Format;
  /** Tasks that the format can say: with no argument, with several, with each type that it has. */
  readonly tasks: readonly Task[];
  /** Messages of another system in it, as they come from there. Default: none. */
  readonly messages?: readonly ArrivedMessage[];
}

/** How many damaged messages are tried for each whole one. */
const DAMAGED = 200;
const PLAIN: Task = { uuid: '6f9b2c1e-0000-4000-8000-000000000001', name: 'contract.task', args: [{ type: 'int', value: 1 }] };

/** Where the one argument is the body, or arguments have names and no places. */
const OBJECT: Task = { ...PLAIN, args: [{ type: 'json', value: { a: 1 } }] };

/**
 * What every format has to do, as tests for the runner of your choice: tasks come back as they were sent, encoding is pure,
 * damaged bytes are refused by errors that are meant for it, and other formats' messages are not taken for its own.
 *
 * @publicApi
 */
export function formatContract({ describe, it, expect }: TestFunctions, { format, tasks, messages = [] }: FormatUnderTest): void {
  const arrivals = (): ArrivedMessage[] => [...tasks.map((task) => arrived(format, task)), ...messages];
  describe(`the format "${format.name}"`, () => {
    for (const task of tasks) {
      it(`brings task "${task.name}" (${task.uuid}) there and back`, () => expect(essence(format.decode(arrived(format, task)))).toEqual(essence(task)));
      it(`writes the same bytes each time, and leaves task "${task.name}" (${task.uuid}) as it is`, () => {
        const before = structuredClone(task);
        expect(format.encode(task).body.equals(format.encode(task).body)).toBe(true);
        expect(task).toEqual(before);
      });
    }
    it('writes what it has read with the same meaning again', () => {
      for (const message of arrivals()) expect(essence(format.decode(again(format, message)))).toEqual(essence(format.decode(message)));
    });
    it('says who a message is that it can read', () => {
      for (const message of arrivals()) {
        const { uuid, name } = format.identify?.(message) ?? {};
        if (uuid !== undefined) expect(uuid).toBe(format.decode(message).uuid);
        if (name !== undefined) expect(name).toBe(format.decode(message).name);
      }
    });
    it('keeps a task the same in its next attempt', () => {
      for (const message of arrivals()) expect(essence(format.decode(nextOf(format, message)))).toEqual(essence(format.decode(message)));
    });
    it('refuses damaged messages by InvalidBodyError or InvalidTaskError', () => {
      for (const message of arrivals()) for (const broken of damaged(message, DAMAGED)) expect(wrongRefusal(format, broken)).toBe(undefined);
      expect(({} as Record<string, unknown>).polluted).toBe(undefined);
    });
    it('recognises its own messages, and none of another format', () => {
      if (format.recognises === undefined) return;
      for (const message of arrivals()) expect(recognised(format, message)).toBe(true);
      for (const other of BUILT_IN_FORMATS) if (!isKin(format, other)) expect(recognised(format, arrived(other, plainTask(other)))).toBe(false);
    });
  });
}

/** What of a task has to survive. */
function essence({ uuid, name, args, hasKwargs }: Task): unknown {
  return { uuid, name, args: args.map(({ type, value }) => ({ type, value })), hasKwargs: hasKwargs === true };
}

/** As a broker delivers what is published by the task's name. */
function arrived(format: Format, task: Task): ArrivedMessage {
  return { ...format.encode(task), exchange: 'contract', routingKey: task.name };
}

function again(format: Format, message: ArrivedMessage): ArrivedMessage {
  return { ...format.encode(format.decode(message)), exchange: message.exchange ?? 'contract', routingKey: message.routingKey ?? '' };
}

function nextOf(format: Format, message: ArrivedMessage): ArrivedMessage {
  const next = format.nextAttempt?.(message, { isCharged: true, dueAt: Date.UTC(2030, 0, 1) });
  return { ...message, body: next?.body ?? message.body, properties: { ...message.properties, headers: { ...message.properties.headers, ...next?.headers } } };
}

/** `undefined`: it was read, or refused as it should be. */
function wrongRefusal(format: Format, message: ArrivedMessage): unknown {
  try {
    format.identify?.(message);
    recognised(format, message);
    format.decode(message);
    return undefined;
  } catch (error) {
    return error instanceof InvalidBodyError || error instanceof InvalidTaskError ? undefined : error;
  }
}

function recognised(format: Format, message: ArrivedMessage): boolean | undefined {
  return format.recognises?.(message, () => {
    try {
      return JSON.parse(message.body.toString()) as unknown;
    } catch {
      return undefined;
    }
  });
}

/** One of the same standard, as a format with a source of its own. */
function isKin(format: Format, other: Format): boolean {
  return other.recognises === undefined || other.recognises === format.recognises || other.name === format.name;
}

function plainTask(format: Format): Task {
  try {
    format.encode(PLAIN);
    return format.namesByRoutingKey === true ? OBJECT : PLAIN;
  } catch {
    return OBJECT;
  }
}
