import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidBodyError } from '../../../lib/errors.js';
import { chordCallback, machineryFormat } from '../../../lib/formats/machinery/machinery.js';
import { machineryGroup, machineryResults, machineryState, machineryValue, pendingState, readMachineryGroup, readMachineryState, writeMachineryGroup, writeMachineryState } from '../../../lib/formats/machinery/task-state.js';
import { GOLDEN, golden } from '../../support/golden.js';

const FOLDER = join(GOLDEN, 'machinery-results');
const stateFiles = readdirSync(FOLDER).filter((name) => !name.startsWith('group-'));
const bytesOf = (name: string): Buffer => readFileSync(join(FOLDER, name));
const uuid = 'task_00000000-0000-4000-8000-000000000007';

describe('states as Go keeps them', () => {
  it.each(stateFiles)('%s is read, and written with the same bytes', (name) => {
    expect(writeMachineryState(readMachineryState(bytesOf(name))).toString()).toBe(bytesOf(name).toString());
  });

  it.each(['group-plain.json', 'group-chord.json'])('%s too', (name) => {
    expect(writeMachineryGroup(readMachineryGroup(bytesOf(name))).toString()).toBe(bytesOf(name).toString());
  });

  it('those that are made here differ in times alone', () => {
    const anyTime = (bytes: Buffer): string => bytes.toString().replace(/"CreatedAt":"[^"]*"/, '"CreatedAt":"T"');
    const pending = pendingState({ uuid: 'task_00000000-0000-4000-8000-000000000014', name: 'add' }, 1_000);
    expect(anyTime(writeMachineryState(pending))).toBe(anyTime(bytesOf('pending-eta.json')));
    expect(pending.CreatedAt).toBe('1970-01-01T00:00:01Z');
    expect(anyTime(writeMachineryState(machineryState({ uuid, name: 'add' }, 'SUCCESS', { Results: machineryResults(6n) })))).toBe(anyTime(bytesOf('success-chain-second.json')));
    const failed = machineryState({ uuid: 'task_00000000-0000-4000-8000-000000000020', name: 'fails' }, 'FAILURE', { Error: 'it failed' });
    expect(anyTime(writeMachineryState(failed))).toBe(anyTime(bytesOf('failure.json')));
    const { GroupUUID, TaskUUIDs } = readMachineryGroup(bytesOf('group-plain.json'));
    expect(anyTime(writeMachineryGroup(machineryGroup(GroupUUID, TaskUUIDs, 0)))).toBe(anyTime(bytesOf('group-plain.json')));
  });

  it('results come as values with their types, 64 bits and all', () => {
    const valueIn = (name: string): unknown => machineryValue(readMachineryState(bytesOf(name)).Results, 'results');
    expect(valueIn('results-all-kinds.json')).toEqual([true, 's', -1, 2n ** 64n - 1n, 0.1, ['a'], [1, 2]]);
    expect(valueIn('success-three-results.json')).toEqual(['ünï <&> ☃ \u2028', 2n ** 63n - 1n, 9007199254740993n]);
    expect(valueIn('success-chain-second.json')).toBe(6n);
    expect(valueIn('on-error.json')).toBe(undefined);
  });

  it('what machinery has no type for is kept as its JSON', () => {
    expect(machineryResults({ a: [1n, null] })).toEqual([{ Type: 'string', Value: '{"a":[1,null]}' }]);
    expect(machineryResults([])).toEqual([{ Type: 'string', Value: '[]' }]);
    expect(machineryResults(undefined)).toEqual([]);
    expect(machineryResults(Buffer.from([1, 2]))).toEqual([{ Type: '[]uint8', Value: 'AQI=' }]);
  });

  it.each(['', 'null', '[]', '{', '{"TaskUUID":1,"State":"SUCCESS"}', '{"TaskUUID":"u","State":"DONE"}', '{"TaskUUID":"u","State":"SUCCESS","Results":{}}', '{"TaskUUID":"u","State":"SUCCESS","Results":[1]}', '{"__proto__":{"x":1},"TaskUUID":"u","State":"PENDING"}'])(
    'what is no state is refused: %s', (text) => {
      expect(() => readMachineryState(Buffer.from(text))).toThrow(InvalidBodyError);
    });

  it.each(['null', '{"GroupUUID":"g"}', '{"GroupUUID":"g","TaskUUIDs":[1]}'])('nor what is no group: %s', (text) => {
    expect(() => readMachineryGroup(Buffer.from(text))).toThrow(InvalidBodyError);
  });
});

describe('the callback of a chord', () => {
  it('is what the worker in Go sends for the last member', () => {
    const member = machineryFormat.decode(golden('machinery', 'chord-member-2'));
    const callback = (member.arrived?.envelope as { ChordCallback: Parameters<typeof chordCallback>[0] }).ChordCallback;
    const states = [3n, 7n].map((value, index) => machineryState({ uuid: String(index), name: 'add' }, 'SUCCESS', { Results: machineryResults(value) }));
    const { message, to } = chordCallback(callback, member, states);
    // The worker that wrote the vector has another queue, by whose name it was published.
    const written = golden('machinery', 'chord-callback-by-worker').body.toString();
    expect(message.body.toString().replace(/"RoutingKey":"[^"]*"/, '')).toBe(written.replace(/"RoutingKey":"[^"]*"/, ''));
    expect(to).toMatchObject({ routingKey: 'mq' });
    expect(JSON.parse(chordCallback({ ...callback, Immutable: true }, member, states).message.body.toString())).toMatchObject({ Args: callback.Args });
  });
});
