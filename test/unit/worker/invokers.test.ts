import { describe, expect, it } from 'vitest';
import { InvalidArgumentsError } from '../../../lib/errors.js';
import { Invokers } from '../../../lib/worker/invokers.js';
import type { Handler } from '../../../lib/worker/handler.js';
import type { TaskContext } from '../../../lib/worker/task-context.js';

const context = { name: 'mail.send' } as TaskContext;
const kwargs = ['to', 'subject'];
const given: Handler['run'] = (args) => args;

describe('an invoker', () => {
  it('is not there where arguments are taken as they come', () => {
    const invokers = new Invokers();
    expect(invokers.around({ name: 'a' }, given)).toBe(given);
    expect(invokers.around({ name: 'a', invoker: 'positional' }, given)).toBe(given);
  });

  it('makes one object of them, whatever their names', () => {
    const run = new Invokers().around({ name: 'mail.send', invoker: 'named', kwargs: ['to', '__proto__'] }, given);
    const [made] = run(['Ada', { polluted: true }], context) as [Record<string, unknown>];
    expect(Object.keys(made)).toEqual(['to', '__proto__']);
    expect(({} as Record<string, unknown>).polluted).toBe(undefined);
    expect((run(['Ada'], context) as unknown[])[0]).toEqual({ to: 'Ada' });
    expect(() => run(['Ada', 'x', 'more'], context)).toThrow(InvalidArgumentsError);
  });

  it('leaves the uuid where it is', () => {
    expect(new Invokers().around({ name: 'a', invoker: 'named', kwargs, taskUuidAsFirstArg: true }, given)(['the uuid', 'Ada', 'Hi'], context)).toEqual(['the uuid', { to: 'Ada', subject: 'Hi' }]);
  });

  it('can be one\'s own, by name or itself, and knows what it is called for', () => {
    const own = { name: 'backwards', parameters: (args: readonly unknown[], call: { task: string; names: readonly string[] | undefined; context: TaskContext }) => [...args.toReversed(), call.task, call.names, call.context === context] };
    const expected = [2, 1, 'a', kwargs, true];
    expect(new Invokers([own]).around({ name: 'a', invoker: 'backwards', kwargs }, given)([1, 2], context)).toEqual(expected);
    expect(new Invokers().around({ name: 'a', invoker: own, kwargs }, given)([1, 2], context)).toEqual(expected);
  });

  it.each([
    [() => new Invokers().around({ name: 'a', invoker: 'namd' }, given), 'Did you mean "named"? The invokers are positional, named;'],
    [() => new Invokers().around({ name: 'a', invoker: 'named' }, given), "The task \"a\" has invoker: 'named', but no names. Write kwargs:"],
    [() => new Invokers([{ name: 'named', parameters: () => [] }]), 'invokers[0] is named "named", as another is.'],
    [() => new Invokers([{ name: '' } as never]), 'invokers[0] must be an Invoker'],
    [() => new Invokers([{ name: 'x', parameters: () => 5 as never }]).around({ name: 'a', invoker: 'x' }, given)([], context), 'must give a list of parameters; it gave the number 5'],
  ])('is refused where it cannot work: %#', (make, text) => expect(make).toThrow(text));
});
