import { describe, expect, it } from 'vitest';
import { RoutingTable } from '../../../../lib/brokers/embedded/routing-table.js';
import { TopologyMismatchError, UnroutableTaskError } from '../../../../lib/errors.js';

function names(table: RoutingTable, exchange: string, routingKey: string): string[] {
  return table.route(exchange, { routingKey }).map(({ name }) => name);
}

describe('RoutingTable', () => {
  it('routes a key to every queue bound with it, each once', () => {
    const table = new RoutingTable();
    table.declare('x', { queues: [{ name: 'a', bindingKeys: ['k', 'k', 'own'] }, { name: 'b', bindingKeys: ['k'] }, { name: 'c' }] });
    expect(names(table, 'x', 'k')).toEqual(['a', 'b']);
    expect(names(table, 'x', 'own')).toEqual(['a']);
  });

  it('keeps the bindings of different exchanges apart, and shares the queues', () => {
    const table = new RoutingTable();
    table.declare('x', { queues: [{ name: 'a', bindingKeys: ['k'] }] });
    table.declare('y', { queues: [{ name: 'b', bindingKeys: ['k'] }] });
    expect([names(table, 'x', 'k'), names(table, 'y', 'k')]).toEqual([['a'], ['b']]);
    expect(table.route('y', { queue: 'a' }).map(({ name }) => name)).toEqual(['a']);
  });

  it('refuses what no queue takes, and names it', () => {
    const table = new RoutingTable();
    table.declare('x', { queues: [{ name: 'a' }] });
    expect(() => table.route('x', { routingKey: 'a' })).toThrow(UnroutableTaskError);
    expect(() => table.route('x', { routingKey: 'nobody' })).toThrow(/exchange 'x'.*'nobody'/);
    expect(() => table.route('x', { queue: 'missing' })).toThrow(/'missing'/);
  });

  it('says whether a declaration changed anything', () => {
    const table = new RoutingTable();
    const topology = { queues: [{ name: 'a', bindingKeys: ['k'] }] };
    expect([table.declare('x', topology), table.declare('x', topology)]).toEqual([true, false]);
    expect(table.declare('x', { queues: [{ name: 'a', bindingKeys: ['k', 'more'] }] })).toBe(true);
  });

  it('changes nothing when one queue of several has another type', () => {
    const table = new RoutingTable();
    table.declare('x', { queues: [{ name: 'a', type: 'quorum' }] });
    expect(() => table.declare('x', { queues: [{ name: 'new' }, { name: 'a' }] })).toThrow(TopologyMismatchError);
    expect(table.queue('new')).toBeUndefined();
  });

  it('survives being written as JSON and read again', () => {
    const table = new RoutingTable();
    table.declare('x', { queues: [{ name: 'a', bindingKeys: ['k'], type: 'quorum' }, { name: 'b', bindingKeys: ['k'] }] });
    const again = RoutingTable.from(JSON.parse(JSON.stringify(table.queues)) as typeof table.queues);
    expect(again.queues).toEqual(table.queues);
    expect(names(again, 'x', 'k')).toEqual(['a', 'b']);
    again.declare('x', { queues: [{ name: 'c' }] });
    expect(again.queueOf(3)?.name).toBe('c');
  });
});
