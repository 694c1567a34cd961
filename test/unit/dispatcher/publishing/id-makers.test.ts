import { validate, version } from 'uuid';
import { describe, expect, it } from 'vitest';
import { checkIds, IdMakers } from '../../../../lib/dispatcher/publishing/id-makers.js';
import type { TaskArgument } from '../../../../lib/index.js';

const task = (name: string, ...args: TaskArgument[]): { name: string; args: TaskArgument[] } => ({ name, args });
const json = (value: unknown): TaskArgument => ({ type: 'json', value });

describe('makers of ids', () => {
  it('make uuids of version 7 in the order in which they were asked for', () => {
    const maker = new IdMakers().get('uuid-v7', 'ids');
    const made = Array.from({ length: 5_000 }, () => maker.make(task('a')));
    expect(new Set(made).size).toBe(made.length);
    expect([...made].sort()).toEqual(made);
    expect(made.every((uuid) => validate(uuid) && version(uuid) === 7)).toBe(true);
  });

  it('count in a process, under a name that no other process has', () => {
    const [one, other] = [new IdMakers().get('sequence', 'ids'), new IdMakers().get('sequence', 'ids')];
    const made = [one.make(task('a')), one.make(task('b')), other.make(task('a'))];
    expect(made[0]).toMatch(/^[0-9a-f]{20}-1$/);
    expect(made[1]).toBe(made[0]!.replace(/1$/, '2'));
    expect(made[2]!.slice(0, 20)).not.toBe(made[0]!.slice(0, 20));
  });

  it('make the same of the same name and arguments, and another of any other', () => {
    const make = (one: ReturnType<typeof task>): string => new IdMakers().get('arguments', 'ids').make(one);
    const first = make(task('a', json({ x: 1, y: [2n] })));
    expect(validate(first) && version(first) === 5).toBe(true);
    expect(make(task('a', json({ y: [2n], x: 1 })))).toBe(first);
    const others = [task('b', json({ x: 1, y: [2n] })), task('a', json({ x: 1, y: [3n] })), task('a'), task('a', { type: 'string', value: '1' }), task('a', { type: 'int', value: 1 })];
    expect(new Set([first, ...others.map(make)]).size).toBe(others.length + 1);
  });

  it('are chosen by name, own ones too', () => {
    const own = { name: 'mine', make: ({ name }: { name: string }) => `${name}!` };
    expect(checkIds('mine', [own]).otherwise?.make(task('a'))).toBe('a!');
    expect(checkIds(undefined, undefined).otherwise).toBe(undefined);
    expect(checkIds('uuid-v4', undefined).otherwise).toBe(undefined);
  });

  it.each([
    [() => checkIds('uuid-v8', undefined), 'ids is the string "uuid-v8", which makes no ids. Did you mean "uuid-v4"? There are uuid-v4, uuid-v7, sequence, arguments'],
    [() => checkIds(5, undefined), 'ids is the number 5, which makes no ids.'],
    [() => checkIds(undefined, [{ name: 'sequence', make: () => '' }]), 'idMakers[0] is named "sequence", as another is.'],
    [() => checkIds(undefined, [{ name: 'x' }]), 'idMakers[0] must be an IdMaker: an object with name and make(task); found'],
    [() => checkIds(undefined, {}), 'idMakers must be a list'],
  ])('refuse what is none: %#', (check, text) => expect(check).toThrow(text));
});
