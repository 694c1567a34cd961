import { describe, expect, it } from 'vitest';
import { Arg, ConfigurationError, Task } from '../../../lib/index.js';

function refusal(decorate: () => unknown): string {
  try {
    decorate();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

describe('@Task', () => {
  it.each([
    [['' as string], /needs the name of the task/],
    [[undefined as unknown as string], /needs the name of the task/],
    [['x', { timeout: 5 }], /@Task\('x'\) has no option "timeout".*"timeoutSeconds"/],
    [['x', { timeoutSeconds: -1 }], /timeoutSeconds of @Task\('x'\) must be a number of seconds/],
    [['x', { timeoutSeconds: NaN }], /must be a number of seconds/],
    [['x', { workers: 'w' }], /workers of @Task\('x'\) must be a list/],
    [['x', { taskUuidAsFirstArg: 1 }], /must be true or false/],
    [['x', { dispatcher: '' }], /dispatcher of @Task\('x'\) is required and must not be empty/],
    [['x', { retry: { attempts: 0 } }], /retry\.attempts/],
    [['x', { retry: { times: 3 } }], /retry of @Task\('x'\) has no option "times"/],
    [['x', null], /must be an object/],
  ])('refuses %j', (args, text) => {
    expect(refusal(() => Task(...args as [string]))).toMatch(text);
  });

  it('refuses what is not a method of an instance, and one name twice', () => {
    expect(refusal(() => { class A { @Task('x') static run(): void { return; } } return A; })).toMatch(/run, which is not a method of an instance/);
    expect(refusal(() => { class A { @Task('x') get run(): number { return 1; } } return A; })).toMatch(/not a method/);
    expect(refusal(() => { class A { @Task('x') @Task('x') run(): void { return; } } return A; })).toMatch(/twice/);
  });

  it('refuses a method that is named by a symbol, which nobody would find', () => {
    const named = Symbol('hidden');
    expect(refusal(() => { class A { @Task('x') [named](): void { return; } } return A; })).toMatch(/Symbol\(hidden\), whose name is a symbol/);
  });

  it('says what to set where the compiler calls decorators the standard way', () => {
    const decorate = Task('x') as unknown as (method: () => void, context: object) => void;
    expect(refusal(() => decorate(() => undefined, { kind: 'method', name: 'run', static: false }))).toMatch(/experimentalDecorators/);
  });

  it('refuses @Arg without a position, and on a constructor', () => {
    expect(refusal(() => Arg(-1))).toMatch(/position of an argument/);
    expect(refusal(() => { class A { constructor(@Arg(0) readonly a: number) {} } return A; })).toMatch(/not of a constructor/);
  });
});
