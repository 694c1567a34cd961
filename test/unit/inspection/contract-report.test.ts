import { describe, expect, it } from 'vitest';
import type { TaskContract } from '../../../lib/contract/model.js';
import { contractReport, isContractPart, partOf, type ContractPart } from '../../../lib/inspection/contract-report.js';

const task = (changes: Partial<TaskContract> = {}): TaskContract => ({ name: 'mail', version: 1, routingKey: 'mail', arguments: [{ name: 'to', schema: { type: 'string' } }], moreArguments: true, options: {}, ...changes });
const part = (process: string, startedAt: number, runs: boolean, changes: Partial<TaskContract> = {}): ContractPart => ({ process, startedAt, runs, task: task(changes) });

describe('the contract of a running system', () => {
  it('is what all processes tell together', () => {
    const parts = [part('b', 2, true), part('a', 1, false), part('a', 1, false, { name: 'add' }), part('b', 2, true, { version: 2 })];
    const report = contractReport('shop', parts, false);
    expect(report).toMatchObject({ contract: { title: 'shop', exchange: 'shop' }, differing: [], cut: [], incomplete: false });
    expect(report.contract.tasks.map(({ name, version }) => [name, version])).toEqual([['add', 1], ['mail', 1], ['mail', 2]]);
    expect(contractReport('shop', [...parts].reverse(), false)).toEqual(report);
    expect(contractReport('shop', [], true)).toMatchObject({ contract: { tasks: [] }, incomplete: true });
  });

  it.each<[string, readonly ContractPart[], string, readonly string[]]>([
    ['who runs it', [part('a', 9, false, { description: 'publisher' }), part('b', 1, true, { description: 'worker' })], 'worker', ['a']],
    ['who was started last', [part('a', 1, true, { description: 'old' }), part('b', 2, true, { description: 'new' }), part('c', 2, false, { description: 'new' })], 'new', ['a']],
    ['one of two alike', [part('b', 1, true, { description: 'b' }), part('a', 1, true, { description: 'a' })], 'a', ['b']],
  ])('where processes differ, %s counts', (_who, parts, description, others) => {
    for (const all of [parts, [...parts].reverse()]) {
      const { contract, differing } = contractReport('shop', all, false);
      expect(contract.tasks[0]?.description).toBe(description);
      expect(differing).toEqual([{ task: 'mail', version: 1, processes: others }]);
    }
  });

  it('tells of what is too large without its schemas', () => {
    const large = task({ description: 'long', moreArguments: { enum: ['x'] }, result: { enum: ['x'.repeat(70_000)] }, arguments: [{ name: 'to', required: true, types: ['string'], schema: { type: 'string' } }] });
    const told = partOf(large, { process: 'a', startedAt: 1, runs: true });
    expect(told.task).toEqual(task({ moreArguments: true, result: true, arguments: [{ name: 'to', required: true, types: ['string'], schema: true }] }));
    expect(contractReport('shop', [told], false).cut).toEqual([{ task: 'mail', version: 1 }]);
    expect(partOf(task(), { process: 'a', startedAt: 1, runs: true })).not.toHaveProperty('cut');
  });

  it.each<[string, unknown, boolean]>([
    ['a part', part('a', 1, true), true], ['one of a newer version', { ...part('a', 1, true), more: 1 }, true], ['nothing', undefined, false], ['a text', 'x', false], ['no process', { ...part('a', 1, true), process: 1 }, false],
    ['no task', { ...part('a', 1, true), task: [] }, false], ['no name', part('a', 1, true, { name: '' }), false], ['no schema', part('a', 1, true, { arguments: [{} as never] }), false], ['further arguments that are none', part('a', 1, true, { moreArguments: 'x' as never }), false],
    ['a result that is none', part('a', 1, true, { result: 5 as never }), false],
  ])('takes %s for what it is', (_what, item, isOne) => {
    expect(isContractPart(item)).toBe(isOne);
  });
});
