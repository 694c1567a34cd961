import { schemas as officialSchemas } from '@asyncapi/specs';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { contractOf, type TaskFacts } from '../../../lib/contract/describe/contract-of.js';
import { toAsyncApi } from '../../../lib/contract/asyncapi/to-asyncapi.js';
import type { Contract, JsonSchema } from '../../../lib/contract/model.js';
import { contractText, readContract } from '../../../lib/contract/text.js';
import { InvalidContractError } from '../../../lib/errors.js';
import { schemasOf } from '../../../lib/task/argument-schema.js';

const ABOUT = { title: 'Shop', version: '2.1.0', exchange: 'shop' };
const facts = (name: string, more: Partial<TaskFacts> = {}): TaskFacts => ({ name, version: 1, routingKey: 'orders', ...more });

const Category = z.object({ name: z.string(), get children(): z.ZodArray<typeof Category> { return z.array(Category); } });

const SHOP = contractOf(ABOUT, [
  facts('order.ship', { schemas: schemasOf([z.object({ id: z.int() }), z.boolean().optional()]), parameters: [{ name: 'order' }], resultSchema: Category, description: 'Ships an order.', options: undefined } as Partial<TaskFacts>),
  facts('order.ship', { version: 2, schemas: schemasOf(Category), upgradesFrom: [1], deprecated: true }),
  facts('name with ä/{space}~', { routingKey: 'other key', queue: 'q', deprecated: 'publish another' }),
  facts('none', { schemas: schemasOf([]) }),
]);

// It brings draft 07 along, which ajv knows already.
const validate = new Ajv({ strict: false, validateFormats: false, meta: false, validateSchema: false }).compile(officialSchemas['3.0.0'] as object);

/** All that AsyncAPI wants of a document: its own JSON Schema, and references that lead somewhere. */
function expectValid(document: object): void {
  const data = JSON.parse(JSON.stringify(document)) as object;
  expect(validate(data) ? [] : validate.errors).toEqual([]);
  JSON.stringify(data, (key, value: unknown) => {
    if (key === '$ref' && typeof value === 'string') expect(value.slice(2).split('/').reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], data), value).toBeDefined();
    return value;
  });
}

describe('the document', () => {
  it('is AsyncAPI 3 by the official schema', () => {
    expectValid(toAsyncApi(SHOP));
    expectValid(toAsyncApi({ ...ABOUT, tasks: [] }));
  });

  it('tells channels, operations, messages, payloads and replies', () => {
    const document = toAsyncApi(SHOP);
    expect(Object.keys(document.channels)).toEqual(['other_key', 'orders', 'replies']);
    expect(document.channels['orders']).toMatchObject({ address: 'orders', bindings: { amqp: { is: 'routingKey', exchange: { name: 'shop', type: 'direct', durable: true } } } });
    expect(Object.keys(document.operations)).toEqual(['name_with____space__', 'none', 'order.ship', 'order.ship.v2']);
    expect(document.operations['order.ship']).toMatchObject({ action: 'receive', channel: { $ref: '#/channels/orders' }, reply: { channel: { $ref: '#/channels/replies' } } });
    expect(document.components.messages['order.ship.v2']).toMatchObject({ headers: { properties: { 'x-dispatcher-version': { const: 2 } } } });
  });

  it('a body that is published fits its payload, and what the contract refuses does not', () => {
    const document = toAsyncApi(SHOP);
    const fits = new Ajv({ strict: false }).addSchema({ $id: 'doc', ...document }).compile({ $ref: 'doc#/components/messages/order.ship/payload' });
    const body = (args: unknown): object => ({ uuid: 'u', name: 'order.ship', args });
    expect(fits(body([{ type: 'json', value: { id: 1 } }]))).toBe(true);
    expect(fits(body([{ type: 'json', value: { id: 1 } }, { type: 'bool', value: true }]))).toBe(true);
    for (const args of [null, [], [{ type: 'json', value: { id: 'x' } }], [{ type: 'json', value: { id: 1 } }, { type: 'string', value: true }], [{ type: 'json', value: { id: 1 } }, { type: 'bool', value: true }, { type: 'bool', value: true }]]) {
      expect(fits(body(args)), JSON.stringify(args)).toBe(false);
    }
  });

  it('of a recursive schema refers to itself at its place in the document', () => {
    const fits = new Ajv({ strict: false }).addSchema({ $id: 'doc', ...toAsyncApi(SHOP) }).compile({ $ref: 'doc#/components/messages/order.ship.v2/payload' });
    const body = (value: unknown): object => ({ uuid: 'u', name: 'order.ship', args: [{ type: 'json', value }] });
    expect(fits(body({ name: 'a', children: [{ name: 'b', children: [] }] }))).toBe(true);
    expect(fits(body({ name: 'a', children: [{ name: 5, children: [] }] }))).toBe(false);
  });
});

const names = fc.oneof(fc.string({ minLength: 1, maxLength: 12 }), fc.constantFrom('__proto__', 'constructor', 'a.v2', 'a', 'a b', 'a_b', 'a/b'));
const jsonSchema: fc.Arbitrary<JsonSchema> = fc.oneof(
  fc.boolean(),
  fc.record({ type: fc.constantFrom('string', 'object', 'integer'), title: fc.string(), $ref: fc.constantFrom('#', '#/definitions/a', 'other#/x'), enum: fc.array(fc.jsonValue(), { minLength: 1, maxLength: 3 }), properties: fc.dictionary(fc.string(), fc.constant({ $ref: '#' }), { maxKeys: 3 }) },
    { requiredKeys: ['type'], noNullPrototype: true }),
).map((schema) => JSON.parse(JSON.stringify(schema)) as JsonSchema);
const task = fc.record({
  name: names, version: fc.integer({ min: 1, max: 5 }), description: fc.string(), deprecated: fc.oneof(fc.constant(true as const), fc.string()), routingKey: fc.string({ minLength: 1 }), queue: fc.string({ minLength: 1 }),
  arguments: fc.array(fc.record({ name: fc.string({ minLength: 1 }), required: fc.boolean(), types: fc.constant(['int'] as const), schema: jsonSchema }, { requiredKeys: ['schema'], noNullPrototype: true }), { maxLength: 3 }),
  moreArguments: jsonSchema, result: jsonSchema, upgradesFrom: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
  options: fc.record({ timeoutSeconds: fc.integer({ min: 1 }), priorities: fc.constant(true as const) }, { requiredKeys: [], noNullPrototype: true }),
}, { requiredKeys: ['name', 'version', 'routingKey', 'arguments', 'moreArguments', 'options'], noNullPrototype: true });
const contract = fc.record({ title: fc.string({ minLength: 1 }), version: fc.string({ minLength: 1 }), exchange: fc.string({ minLength: 1 }), tasks: fc.uniqueArray(task, { selector: ({ name, version }) => `${version} ${name}`, maxLength: 6 }) }, { noNullPrototype: true })
  .map((one): Contract => ({ ...one, tasks: [...one.tasks].sort((a, b) => (a.name === b.name ? a.version - b.version : a.name < b.name ? -1 : 1)) }));

describe('a contract that is written and read', () => {
  it.each(['json', 'yaml'] as const)('is itself, as %s', (format) => {
    expect(readContract(contractText(SHOP, format))).toEqual(SHOP);
    fc.assert(fc.property(contract, (one) => {
      expect(readContract(contractText(one, format))).toEqual(one);
      expect(contractText(readContract(contractText(one, format)), format)).toBe(contractText(one, format));
    }), { numRuns: format === 'json' ? 60 : 15 });
  });

  it('whatever it is called gives a valid document', () => {
    fc.assert(fc.property(contract, (one) => expectValid(toAsyncApi({ ...one, exchange: 'x', tasks: one.tasks.map((each) => ({ ...each, moreArguments: true, arguments: [], result: { type: 'string' } })) }))), { numRuns: 40 });
  });
});

describe('what is no contract is refused', () => {
  const document = (): Record<string, unknown> => JSON.parse(contractText(SHOP)) as Record<string, unknown>;
  const operation = (changes: object): string => {
    const whole = document();
    const operations = whole['operations'] as Record<string, Record<string, unknown>>;
    const first = operations['order.ship'] as Record<string, unknown>;
    first['x-dispatcher-task'] = { ...first['x-dispatcher-task'] as object, ...changes };
    return JSON.stringify(whole);
  };
  it.each<[string, string, RegExp]>([
    ['nothing', '', /AsyncAPI document/], ['a number', '5', /found the number 5/], ['broken JSON', '{', /neither JSON nor YAML/], ['broken YAML', 'a: [', /neither JSON nor YAML/],
    ['a document of others', '{"asyncapi":"3.0.0","info":{}}', /not written by nestjs-dispatcher/],
    ['one of a newer version', JSON.stringify({ ...document(), 'x-dispatcher': { contract: 2, exchange: 'x' } }), /update this one/],
    ['operations that are a list', JSON.stringify({ ...document(), operations: [] }), /must be an object/],
    ['an operation of others', JSON.stringify({ ...document(), operations: { a: {} } }), /operations\.a\.x-dispatcher-task: it is missing/],
    ['no name', operation({ name: '' }), /"name" is not what it should be/], ['no version', operation({ version: 0 }), /"version"/], ['no routing key', operation({ routingKey: undefined }), /"routingKey" is missing/],
    ['arguments that are none', operation({ arguments: [5] }), /"arguments"/], ['an argument without a schema', operation({ arguments: [{}] }), /arguments\[0\]\.schema must be true, false/],
    ['a schema that is not there', operation({ arguments: [{ schema: { $ref: '#/components/schemas/none' } }] }), /one of components\.schemas that is there/],
    ['one that is inherited', operation({ arguments: [{ schema: { $ref: '#/components/schemas/constructor' } }] }), /that is there/],
    ['a task twice', operation({ version: 2 }), /twice/],
  ])('%s', (_what, text, message) => {
    expect(() => readContract(text)).toThrow(InvalidContractError);
    expect(() => readContract(text)).toThrow(message);
  });

  it('one nested without end, and one of aliases of aliases', () => {
    const deep = JSON.stringify({ ...document(), components: { schemas: {} } }).replace('"schemas":{}', `"schemas":{"order.ship.0":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`);
    expect(() => readContract(deep)).toThrow(InvalidContractError);
    const bomb = `a: &a [x]\n${[...'bcdefghij'].map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdefghij'.charAt(index)}`).join(', ')}]`).join('\n')}`;
    expect(() => readContract(bomb)).toThrow(InvalidContractError);
  });
});

