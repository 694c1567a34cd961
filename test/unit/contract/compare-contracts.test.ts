import { describe, expect, it } from 'vitest';
import { compareContracts } from '../../../lib/contract/compare/compare-contracts.js';
import type { Broken } from '../../../lib/contract/compare/change.js';
import type { ArgumentContract, Contract, JsonSchema, TaskContract } from '../../../lib/contract/model.js';

const STRING: JsonSchema = { type: 'string' };
const ARGUMENT: ArgumentContract = { name: 'to', required: true, types: ['string'], schema: STRING };
const task = (changes: Partial<TaskContract> = {}): TaskContract => ({ name: 'mail', version: 1, routingKey: 'mail', queue: 'mail', arguments: [ARGUMENT], moreArguments: false, options: {}, ...changes });
const contract = (...tasks: TaskContract[]): Contract => ({ title: 'x', version: '1', exchange: 'x', tasks });
const ALL: readonly Broken[] = ['publishers', 'queued'];

type Expected = readonly (readonly [breaks: readonly Broken[], text: string])[];

const CASES: readonly (readonly [what: string, before: readonly TaskContract[], now: readonly TaskContract[], changes: Expected])[] = [
  ['nothing', [task()], [task()], []],
  ['a new task', [], [task()], [[[], 'is new']]],
  ['a task less', [task()], [], [[ALL, 'is not taken any more']]],
  ['a new version beside the old one', [task()], [task(), task({ version: 2 })], [[[], 'is new']]],
  ['a version that is upgraded', [task()], [task({ version: 2, upgradesFrom: [1], arguments: [] })], [[[], 'is upgraded to version 2'], [[], 'is new']]],
  ['a version that nobody upgrades', [task()], [task({ version: 2 })], [[ALL, 'is not taken any more, and no version upgrades from it'], [[], 'is new']]],
  ['an upgrade that is gone', [task({ version: 2, upgradesFrom: [1] })], [task({ version: 2 })], [[ALL, 'does not upgrade from version 1 any more']]],
  ['an upgrade in place of which there is the version itself', [task({ version: 2, upgradesFrom: [1] })], [task(), task({ version: 2 })], [[[], 'is new']]],
  ['an upgrade more', [task({ version: 3, upgradesFrom: [2] })], [task({ version: 3, upgradesFrom: [1, 2] })], [[[], 'upgrades from version 1 now']]],
  ['another routing key', [task()], [task({ routingKey: 'post' })], [[['publishers'], 'is published with the routing key "post" now, and was with "mail"']]],
  ['another queue', [task()], [task({ queue: 'post' })], [[['queued'], 'waits in the queue "post" now, and did in the queue "mail"']]],
  ['a queue that is told now', [task({ queue: undefined })], [task()], [[[], 'waits in the queue "mail" now, and did in whatever queue is bound']]],
  ['an argument that may be left out', [task()], [task({ arguments: [ARGUMENT, { required: false, schema: true }] })], [[[], 'argument 1 is new, and may be left out']]],
  ['an argument that must be given', [task()], [task({ arguments: [ARGUMENT, { name: 'subject', required: true, schema: true }] })], [[ALL, 'argument 1 (subject) is new, and must be given']]],
  ['one of which nobody knows', [task()], [task({ arguments: [ARGUMENT, { schema: true }] })], [[ALL, 'argument 1 is new, and must be given']]],
  ['an argument less', [task()], [task({ arguments: [] })], [[ALL, 'argument 0 (to) is not taken any more']]],
  ['an argument less where more are taken', [task({ moreArguments: true })], [task({ arguments: [], moreArguments: true })], [[[], 'argument 0 (to) is not looked at any more']]],
  ['an argument less where others are taken', [task({ moreArguments: { type: 'integer' } })], [task({ arguments: [], moreArguments: { type: 'integer' } })], [[ALL, 'argument 0 (to): string was taken, now only integer']]],
  ['further arguments that are refused', [task({ moreArguments: true })], [task()], [[ALL, 'further arguments: nothing is taken any more']]],
  ['an argument that takes less', [task()], [task({ arguments: [{ ...ARGUMENT, schema: { type: 'string', maxLength: 5 } }] })], [[ALL, 'argument 0 (to): maxLength is 5 now, and was none']]],
  ['an argument that takes more', [task()], [task({ arguments: [{ ...ARGUMENT, schema: true, types: undefined }] })], [[[], 'argument 0 (to) takes all that it took, and is described otherwise']]],
  ['an argument that must be given now', [task({ arguments: [{ ...ARGUMENT, required: false }] })], [task()], [[ALL, 'argument 0 (to) must be given now']]],
  ['an argument that need not be given now', [task()], [task({ arguments: [{ ...ARGUMENT, required: false }] })], [[[], 'argument 0 (to) may be left out now']]],
  ['another name', [task()], [task({ arguments: [{ ...ARGUMENT, name: 'address' }] })], [[[], 'argument 0 (to) is called "address" now']]],
  ['an int in place of an int64', [task({ arguments: [{ types: ['int64'], schema: { type: 'integer', format: 'int64' } }] })], [task({ arguments: [{ types: ['int'], schema: { type: 'integer' } }] })], [[ALL, 'argument 0: it was sent as int64, and int is taken now']]],
  ['an int64 in place of an int', [task({ arguments: [{ types: ['int'], schema: { type: 'integer' } }] })], [task({ arguments: [{ types: ['int64'], schema: { type: 'integer', format: 'int64' } }] })],
    [[ALL, 'argument 0: its format is "int64" now, and was any'], [ALL, 'argument 0: it was sent as int, and int64 is taken now']]],
  ['a result more', [task({ result: STRING })], [task({ result: { type: ['string', 'null'] } })], [[['results'], 'its result is not what it was: by the old contract, null was taken, there only string']]],
  ['a result less', [task({ result: { type: ['string', 'null'] } })], [task({ result: STRING })], []],
  ['a property of the result more', [task({ result: { type: 'object', properties: { a: STRING } } })], [task({ result: { type: 'object', properties: { a: STRING, b: STRING }, required: ['b'] } })], []],
  ['a property of the result that may be missing', [task({ result: { type: 'object', properties: { a: STRING }, required: ['a'] } })], [task({ result: { type: 'object', properties: { a: STRING } } })], [[['results'], 'its result is not what it was: by the old contract, a: is required there']]],
  ['a result that is not told', [task({ result: STRING })], [task()], [[['results'], 'its result is not part of the contract any more']]],
  ['a result that is told', [task()], [task({ result: STRING })], [[[], 'its result is part of the contract now']]],
  ['a result for who asks only', [task({ options: { result: true } })], [task()], [[['results'], 'tells its result only to who asks for it now, and did so always']]],
  ['a result for everybody', [task()], [task({ options: { result: true } })], [[[], 'result is true now, and was not set']]],
  ['options', [task({ options: { timeoutSeconds: 5, priorities: true } })], [task({ options: { timeoutSeconds: 9, unique: { scope: 'window', seconds: 5 } } })],
    [[[], 'timeoutSeconds is 9 now, and was 5'], [[], 'priorities is not set now, and was true'], [[], 'unique is {"scope":"window","seconds":5} now, and was not set']]],
  ['words', [task()], [task({ description: 'Sends.', deprecated: 'publish "post"' })], [[[], 'its description has changed'], [[], 'is deprecated now: publish "post"']]],
  ['words that are gone', [task({ deprecated: true })], [task()], [[[], 'is not deprecated any more']]],
  ['an upgraded version in another queue, with another result', [task({ result: STRING })], [task({ version: 2, upgradesFrom: [1], queue: 'post', result: { type: 'integer' } })],
    [[[], 'is upgraded to version 2'], [['queued'], 'waits in the queue "post" now, and did in the queue "mail"'], [['results'], 'its result is not what it was: by the old contract, integer was taken, there only string'], [[], 'is new']]],
];

describe('what a new contract breaks', () => {
  it.each(CASES)('%s', (_what, before, now, changes) => {
    expect(compareContracts(contract(...before), contract(...now)).map(({ breaks, text }) => [breaks, text])).toEqual(changes);
  });

  it('each change says whose it is', () => {
    expect(compareContracts(contract(task(), task({ version: 2 })), contract(task()))).toEqual([{ task: 'mail', version: 2, breaks: ALL, text: 'is not taken any more, and no version upgrades from it' }]);
  });

  it('another exchange is of the whole', () => {
    expect(compareContracts(contract(), { ...contract(), exchange: 'y' })).toEqual([{ breaks: ALL, text: 'the exchange is "y" now, and was "x"' }]);
  });
});
