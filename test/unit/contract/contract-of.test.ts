import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { argumentsOf } from '../../../lib/contract/describe/arguments-of.js';
import { contractOf, type TaskFacts } from '../../../lib/contract/describe/contract-of.js';
import { schemasOf } from '../../../lib/task/argument-schema.js';

const ABOUT = { title: 'Shop', version: '1.0.0', exchange: 'shop' };
const facts = (name: string, more: Partial<TaskFacts> = {}): TaskFacts => ({ name, version: 1, routingKey: 'key', ...more });

describe('arguments', () => {
  it('of nothing that is known are anything', () => {
    expect(argumentsOf(undefined)).toEqual({ arguments: [], moreArguments: true });
  });

  it('are what is declared, where nothing is checked', () => {
    expect(argumentsOf(undefined, [{ name: 'to', type: 'string' }, { name: 'count', type: 'number', isOptional: true }, { name: 'id', type: 'bigint' }, {}, { name: 'rest', isRest: true }])).toEqual({
      arguments: [
        { name: 'to', schema: { type: 'string' }, types: ['string'] }, { name: 'count', required: false, schema: { type: 'number' }, types: ['int', 'float64'] },
        { name: 'id', schema: { type: 'integer', format: 'int64' }, types: ['int64'] }, { schema: true },
      ],
      moreArguments: true,
    });
  });

  it('are what is checked, where it is', () => {
    const checked = argumentsOf(schemasOf([z.object({ id: z.int() }), z.boolean().optional()]), [{ name: 'order', type: 'string' }, { name: 'fast' }, { name: 'third' }]);
    expect(checked).toMatchObject({
      arguments: [{ name: 'order', required: true, types: ['json'], schema: { type: 'object' } }, { name: 'fast', required: false, types: ['bool'], schema: { type: 'boolean' } }], moreArguments: false,
    });
    expect(argumentsOf(schemasOf(z.string()), [{ name: 'to' }, { name: 'second', type: 'boolean' }])).toMatchObject({ arguments: [{ schema: { type: 'string' } }, { name: 'second', schema: { type: 'boolean' } }], moreArguments: true });
  });

  it('of a schema of their list are its items', () => {
    const ofAll = z.tuple([z.string(), z.int().optional()]);
    expect(argumentsOf({ byPosition: [], isComplete: false, ofAll }, [{ name: 'to' }])).toMatchObject({ arguments: [{ name: 'to', required: true, schema: { type: 'string' } }, { required: false, types: ['int'] }], moreArguments: false });
    expect(argumentsOf({ byPosition: [], isComplete: false, ofAll: z.tuple([z.string()], z.int()) })).toMatchObject({ moreArguments: { type: 'integer' } });
    expect(argumentsOf({ byPosition: [], isComplete: false, ofAll: z.array(z.string()) })).toEqual({ arguments: [], moreArguments: true });
  });
});

describe('a contract', () => {
  it('is the same in whatever order code is found', () => {
    const all = [facts('b'), facts('a', { version: 2 }), facts('a'), facts('B'), facts('ä')];
    const contract = contractOf(ABOUT, all);
    expect(contract.tasks.map(({ name, version }) => [name, version])).toEqual([['B', 1], ['a', 1], ['a', 2], ['b', 1], ['ä', 1]]);
    expect(contractOf(ABOUT, [...all].reverse())).toEqual(contract);
  });

  it('says what concerns others, and no functions', () => {
    const { tasks: [task] } = contractOf(ABOUT, [facts('ship', {
      description: 'Ships.', deprecated: 'publish "send"', queue: 'orders', upgradesFrom: [3, 1], priorities: true, timeoutSeconds: 60, retry: { attempts: Infinity, retryIf: () => true, jitter: undefined },
      result: true, resultSchema: z.object({ at: z.string() }), unique: { scope: 'untilFinished', replaceArguments: false }, limits: { global: 3, perKey: { key: () => 'x', process: 1 } },
    })]);
    expect(task).toEqual({
      name: 'ship', version: 1, description: 'Ships.', deprecated: 'publish "send"', routingKey: 'key', queue: 'orders', arguments: [], moreArguments: true,
      result: { type: 'object', properties: { at: { type: 'string' } }, required: ['at'] }, upgradesFrom: [1, 3],
      options: { timeoutSeconds: 60, retry: { attempts: 'Infinity' }, result: true, unique: { scope: 'untilFinished' }, limits: { global: 3, perKey: { process: 1 } }, priorities: true },
    });
  });

  it('says nothing of what is as always', () => {
    const { tasks: [task] } = contractOf(ABOUT, [facts('plain', { timeoutSeconds: 0, result: false, deprecated: false, priorities: false, retry: undefined, upgradesFrom: [] })]);
    expect(task).toEqual({ name: 'plain', version: 1, routingKey: 'key', arguments: [], moreArguments: true, options: {} });
  });
});
