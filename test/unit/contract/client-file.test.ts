import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { contractOf, type TaskFacts } from '../../../lib/contract/describe/contract-of.js';
import { schemaOf } from '../../../lib/contract/describe/schema-of.js';
import type { Contract, JsonSchema, TaskContract } from '../../../lib/contract/model.js';
import { clientFile } from '../../../lib/contract/types/client-file.js';
import { pascalCase, TypeWriter } from '../../../lib/contract/types/type-of.js';
import { schemasOf } from '../../../lib/task/argument-schema.js';
import { complaintsAbout } from '../../support/docs/block-program.js';

const Category = z.object({ name: z.string(), get children(): z.ZodArray<typeof Category> { return z.array(Category); } });
const facts = (name: string, more: Partial<TaskFacts> = {}): TaskFacts => ({ name, version: 1, routingKey: 'orders', ...more });
const SHOP = contractOf({ title: 'Shop', version: '1.0.0', exchange: 'shop' }, [
  facts('order.ship', { schemas: schemasOf([z.object({ id: z.int(), tags: z.array(z.string()).optional() }), z.boolean().optional()]), parameters: [{ name: 'order' }, { name: 'delete' }], resultSchema: z.object({ parcel: z.string() }), description: 'Ships.\nSafe: */' }),
  facts('resize', { schemas: schemasOf([z.int()]), deprecated: 'publish version 2' }), facts('resize', { version: 2, schemas: schemasOf([Category]), routingKey: 'big', result: true }),
  facts('anything'), facts('sum', { schemas: { byPosition: [], isComplete: false, ofAll: z.tuple([z.string()], z.bigint()) } }), facts('declared', { parameters: [{ name: '_to', type: 'string' }, { name: 'id', type: 'bigint' }, { name: 'n', type: 'number', isOptional: true }] }),
]);

const block = (code: string, line = 1): Parameters<typeof complaintsAbout>[0][number] => ({ page: 'client', line, code, isPrelude: false, isRun: false });
const HOLDS = `
  const client = dispatcher.client(tasks);
  const parcel: string = (await (await client['order.ship']({ id: 1, tags: ['a'] }, true)).result()).parcel;
  await client['order.ship']({ id: 1 });
  await client['resize@1'](5);
  await client.resize({ name: parcel, children: [{ name: 'b', children: [] }] });
  await client.anything(1, 'a', {});
  await client.sum('a', 1n, 2n);
  await client.declared('ada', 5n);
  await dispatcher.client(tasks, { delaySeconds: 5 }).resize({ name: 'a', children: [] });
`;
const FAILS = [
  "await dispatcher.client(tasks)['order.ship']({ id: 'x' });", "await dispatcher.client(tasks)['order.ship']({ id: 1 }, 'yes');", "await dispatcher.client(tasks)['order.ship']();", "await dispatcher.client(tasks).resize(5);",
  "await dispatcher.client(tasks).sum('a', 1);", "await dispatcher.client(tasks)['resize@1'](1, 2);", "await dispatcher.client(tasks).unknown();", "await dispatcher.client(tasks).resize({ name: 'a', children: [{ name: 1, children: [] }] });",
  "const parcel: number = (await (await dispatcher.client(tasks)['order.ship']({ id: 1 })).result()).parcel;",
];

describe('the typed client of a contract', () => {
  it('compiles, takes what the contract takes, and nothing else', () => {
    const text = clientFile(SHOP);
    expect(complaintsAbout([block(text), block(HOLDS)])).toEqual([]);
    for (const wrong of FAILS) expect(complaintsAbout([block(text), block(wrong, 100)]), wrong).not.toEqual([]);
  }, 120_000);

  it('is the same each time, and says where tasks go', () => {
    const text = clientFile(SHOP);
    expect(clientFile({ ...SHOP, tasks: [...SHOP.tasks].reverse() })).toBe(text);
    expect(text).toContain('"order.ship"(order: { id: number; tags?: string[] }, delete_?: boolean): { parcel: string };');
    expect(text).toContain('    "resize@1": { name: "resize", routingKey: "orders" },');
    expect(text).toContain('    resize: { version: 2, routingKey: "big", result: true },');
    expect(text).toContain('  /** @deprecated publish version 2 */');
    expect(text).toContain('   * Safe: * /');
  });

  it('of whatever names there are compiles', () => {
    const odd = fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.constantFrom('a b', 'class', '1st', '*/', '`${x}`', 'ä', 'Tasks', 'Record', 'a\nb', '"'));
    const schema = fc.oneof(fc.boolean(), fc.constantFrom<JsonSchema>({ enum: ['a"', 1, null, {}] }, { $ref: '#' }, { $ref: '#/definitions/a~1b', definitions: { 'a/b': { type: 'array', items: { $ref: '#/definitions/a~1b' } } } }, { type: ['string', 'null'] },
      { type: 'object', properties: { 'a-b': { type: 'integer' }, '"': {} }, required: ['a-b'], additionalProperties: { type: 'string' } }, { type: 'array', items: [{ type: 'string' }, { anyOf: [{ type: 'string' }, { type: 'integer', format: 'int64' }] }], minItems: 1, additionalItems: { type: 'boolean' } },
      { allOf: [{ type: 'object', properties: { a: {} } }, { oneOf: [{ type: 'string' }, { const: true }] }] }, { type: 'object', additionalProperties: false }));
    const task: fc.Arbitrary<TaskContract> = fc.record({
      name: odd, version: fc.integer({ min: 1, max: 3 }), description: odd, routingKey: odd, moreArguments: schema, result: schema, options: fc.constant({}),
      arguments: fc.array(fc.record({ name: odd, required: fc.boolean(), schema }), { maxLength: 3 }),
    }, { noNullPrototype: true });
    const contract = fc.record({ title: odd, version: odd, exchange: odd, tasks: fc.uniqueArray(task, { selector: ({ name, version }) => `${version} ${name}`, minLength: 1, maxLength: 8 }) }, { noNullPrototype: true });
    const all = fc.sample(contract as fc.Arbitrary<Contract>, 15);
    expect(complaintsAbout(all.map((one, index) => ({ ...block(clientFile(one)), page: `client ${index}` })))).toEqual([]);
  }, 120_000);
});

describe('types of schemas', () => {
  it.each<[JsonSchema, string]>([
    [true, 'unknown'], [{}, 'unknown'], [false, 'never'], [{ type: 'string' }, 'string'], [{ type: 'integer' }, 'number'], [{ type: 'integer', format: 'int64' }, 'bigint'], [{ type: ['string', 'null'] }, 'string | null'],
    [{ enum: ['a', 1, true, null] }, '"a" | 1 | true | null'], [{ const: 'a' }, '"a"'], [{ type: 'array', items: { type: ['string', 'null'] } }, '(string | null)[]'], [{ type: 'array' }, 'unknown[]'],
    [{ type: 'array', items: [{ type: 'string' }, { type: 'number' }], minItems: 1, additionalItems: false }, '[string, number?]'], [{ type: 'object' }, 'Record<string, unknown>'], [{ type: 'object', additionalProperties: { type: 'string' } }, 'Record<string, string>'],
    [{ type: 'object', properties: { a: { type: 'string' }, 'b-c': {} }, required: ['a'] }, '{ a: string; "b-c"?: unknown }'], [{ properties: { a: {} } }, '{ a?: unknown }'],
    [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, 'string | number'], [{ allOf: [{ type: 'object', properties: { a: {} } }, { anyOf: [{ type: 'string' }, { type: 'null' }] }] }, '{ a?: unknown } & (string | null)'], [{ anyOf: [{ type: 'string' }, {}] }, 'unknown'],
    [{ $ref: 'elsewhere#/a' }, 'It'],
  ])('%j', (schema, type) => {
    expect(new TypeWriter().typeOf(schema, 'It').replace(/^ItA$/, 'It')).toBe(type);
  });

  it('that refer to themselves have names', () => {
    const writer = new TypeWriter();
    expect(writer.typeOf(schemaOf(Category, 'input'), 'Category')).toContain('Category');
    expect(writer.declarations).toHaveLength(1);
  });

  it('have names of letters', () => {
    expect(['order.ship', '1st', 'ä', 'a_b-c'].map(pascalCase)).toEqual(['OrderShip', 'T1st', 'T', 'ABC']);
  });
});
