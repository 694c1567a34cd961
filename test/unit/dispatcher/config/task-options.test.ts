import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkTaskDefinition, checkTaskOptions, checkTaskPlace, runOptionsOf, type TaskOptions } from '../../../../lib/dispatcher/config/task-options.js';
import type { RunOptions, TaskDefinition } from '../../../../lib/worker/handler.js';

const run = (): void => undefined;
const middleware = [async (_context: unknown, next: () => Promise<unknown>) => next()] as TaskOptions['middleware'];

/** Each option that says how a task is run: one value that is kept as it is, and one that is refused. */
const RUN_OPTIONS: { readonly [Name in keyof Required<RunOptions>]: [unknown, unknown] } = {
  timeoutSeconds: [60, -1], taskUuidAsFirstArg: [true, 1], retry: [{ attempts: 5 }, { attempts: -1 }], result: [true, 'yes'], inbox: [true, 'yes'],
  unique: [{ scope: 'untilFinished' }, { scope: 'never' }], debounce: [{ waitSeconds: 5, by: 'account' }, { waitSeconds: 0 }], throttle: [{ windowSeconds: 60 }, { windowSeconds: 60, leading: false, trailing: false }], order: [{ by: 'account' }, { by: 'account', onFailure: 'stop' }], limits: [{ global: 10 }, {}], batch: [{ size: 500, waitMs: 20, by: 'account' }, { size: 0 }], weight: [7, 0], middleware: [middleware, [1]],
  schema: [z.string(), { parse: run }], resultSchema: [z.string(), { parse: run }], description: ['Sends a mail.', 5], deprecated: ['publish another', 5],
  version: [3, 1.5], upgrade: [{}, { 1: 5 }], kwargs: [['to', 'subject'], 'to'], invoker: ['named', 5], ids: ['uuid-v7', ''], compress: ['br', 5], encrypt: [true, 'yes'],
};
const OPTIONS = Object.entries(RUN_OPTIONS).map(([name, [kept, refused]]) => ({ name, kept, refused }));

/** What @Task knows beside them. */
const OTHERS: Required<Omit<TaskOptions, keyof RunOptions>> = { queue: 'mail', routingKey: 'mail.send', workers: ['w'], dispatcher: 'other', schedule: '@daily', timeZone: 'Europe/Berlin', thread: true };

function refusal(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the options of a task', () => {
  it.each(OPTIONS)('have $name in @Task and in the functions of createWorker alike, and workers get it', ({ name, kept, refused }) => {
    const [ofTask, ofFunction] = [checkTaskOptions({ [name]: kept }, 'it'), checkTaskDefinition({ function: run, [name]: kept } as TaskDefinition, 'it')];
    expect(ofTask).toMatchObject({ [name]: kept });
    expect(runOptionsOf(ofTask)).toEqual(runOptionsOf(ofFunction));
    const texts = [refusal(() => checkTaskOptions({ [name]: refused }, 'it')), refusal(() => checkTaskDefinition({ function: run, [name]: refused } as TaskDefinition, 'it'))];
    expect(texts[0]).toContain(name);
    expect(texts[0]).toBe(texts[1]);
  });

  it.each(Object.entries(OTHERS))('have %s in @Task alone', (name, value) => {
    const options = { [name]: value, ...(name === 'timeZone' ? { schedule: '@daily' } : {}) };
    const checked = checkTaskOptions(options, 'it');
    expect(checked).toMatchObject(options);
    expect(runOptionsOf(checked)).not.toHaveProperty(name);
    expect(refusal(() => checkTaskDefinition({ function: run, [name]: value } as TaskDefinition, 'it'))).toContain(`it has no option "${name}"`);
  });

  it.each([
    { debounce: { waitSeconds: 5 }, throttle: { windowSeconds: 5 } }, { debounce: { waitSeconds: 5 }, unique: { scope: 'untilFinished' as const } }, { throttle: { windowSeconds: 5 }, unique: { scope: 'untilFinished' as const } },
  ])('do not say twice which tasks are taken: %j', (options) => {
    expect(refusal(() => checkTaskOptions(options, '@Task("a") of Mail.send'))).toBe(`@Task("a") of Mail.send has ${Object.keys(options).join(' and ')}: each says which of its tasks are taken. Leave one of them.`);
  });

  it('are, of a class, where its tasks go', () => {
    expect(checkTaskPlace({ queue: 'mail' }, '@Tasks')).toEqual({ queue: 'mail', routingKey: undefined });
    expect(refusal(() => checkTaskPlace({ timeoutSeconds: 1 } as object, '@Tasks'))).toContain('@Tasks has no option "timeoutSeconds". The options are: queue, routingKey.');
  });
});
