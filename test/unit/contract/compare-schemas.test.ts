import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { schemaOf } from '../../../lib/contract/describe/schema-of.js';
import { narrowings } from '../../../lib/contract/compare/compare-schemas.js';
import type { JsonSchema } from '../../../lib/contract/model.js';

const STRING = { type: 'string' };
const object = (properties: object, more: object = {}): JsonSchema => ({ type: 'object', properties, ...more });

/** What was taken, what is taken now, and what of it would be refused: none where all is still taken. */
const CASES: readonly (readonly [what: string, before: JsonSchema, now: JsonSchema, problems: readonly string[]])[] = [
  ['the same', STRING, { type: 'string' }, []],
  ['anything, still', true, true, []],
  ['anything, and said otherwise', true, {}, []],
  ['anything was', true, STRING, ['anything was taken, now only string']],
  ['anything is now', STRING, true, []],
  ['nothing was', false, STRING, []],
  ['nothing is', STRING, false, ['nothing is taken any more']],
  ['words alone', { type: 'string', description: 'a' }, { type: 'string', title: 'b', default: 'c', examples: ['d'] }, []],
  ['another type', STRING, { type: 'boolean' }, ['string was taken, now only boolean']],
  ['whole numbers of all', { type: 'number' }, { type: 'integer' }, ['number was taken, now only integer']],
  ['all numbers of whole ones', { type: 'integer' }, { type: 'number' }, []],
  ['one type more', STRING, { type: ['string', 'null'] }, []],
  ['one type less', { type: ['string', 'null'] }, STRING, ['null was taken, now only string']],
  ['a choice more', STRING, { anyOf: [STRING, { type: 'null' }] }, []],
  ['a choice less', { anyOf: [STRING, { type: 'null' }] }, STRING, ['null was taken, now only string']],
  ['another choice', { type: 'integer' }, { oneOf: [STRING, { type: 'null' }] }, ['"integer" is none of what is taken now']],
  ['choices in another order', { anyOf: [STRING, { type: 'null' }] }, { anyOf: [{ type: 'null' }, STRING] }, []],
  ['a choice with words beside', { anyOf: [STRING], description: 'a' }, { anyOf: [STRING, { type: 'null' }], description: 'b' }, []],
  ['a word more', { enum: ['a'] }, { enum: ['a', 'b'] }, []],
  ['a word less', { enum: ['a', 'b', 'c'] }, { enum: ['a'] }, ['"b", "c" are not taken any more']],
  ['words that were any', STRING, { type: 'string', enum: ['a'] }, ['only "a" is taken now']],
  ['any that were words', { enum: ['a', 'b'] }, STRING, []],
  ['words that are too long', { enum: ['a', 'bbb'] }, { type: 'string', maxLength: 2 }, ['maxLength is 2 now, and was 3']],
  ['words and a number', { enum: ['a', 1] }, STRING, ['integer was taken, now only string']],
  ['one word', { const: 'a' }, { enum: ['a', 'b'] }, []],
  ['another word', { const: 'a' }, { const: 'b' }, ['"a" is not taken any more']],
  ['true alone', { type: 'boolean' }, { const: true }, ['false is not taken any more']],
  ['a longer least', { type: 'string', minLength: 1 }, { type: 'string', minLength: 2 }, ['minLength is 2 now, and was 1']],
  ['a shorter least', { type: 'string', minLength: 2 }, { type: 'string', minLength: 1 }, []],
  ['a least of none', STRING, { type: 'string', minLength: 0 }, []],
  ['a most', STRING, { type: 'string', maxLength: 10 }, ['maxLength is 10 now, and was none']],
  ['a greater most', { type: 'string', maxLength: 10 }, { type: 'string', maxLength: 20 }, []],
  ['a pattern', STRING, { type: 'string', pattern: '^a' }, ['its pattern is "^a" now, and was any']],
  ['no pattern', { type: 'string', pattern: '^a' }, STRING, []],
  ['another format', { type: 'string', format: 'email' }, { type: 'string', format: 'uri' }, ['its format is "uri" now, and was "email"']],
  ['a greater minimum', { type: 'integer', minimum: 0 }, { type: 'integer', minimum: 1 }, ['the least is 1 now, and was 0']],
  ['an open minimum', { type: 'integer', minimum: 0 }, { type: 'integer', exclusiveMinimum: 0 }, ['the least is beyond 0 now, and was 0']],
  ['a closed minimum', { type: 'integer', exclusiveMinimum: 0 }, { type: 'integer', minimum: 0 }, []],
  ['a maximum', { type: 'number' }, { type: 'number', maximum: 5 }, ['the most is 5 now, and was without end']],
  ['no maximum', { type: 'number', maximum: 5 }, { type: 'number' }, []],
  ['a property more that may be missing', object({ a: STRING }), object({ a: STRING, b: STRING }), []],
  ['a property more that may not', object({ a: STRING }), object({ a: STRING, b: STRING }, { required: ['b'] }), ['b: is required now']],
  ['a property that may be missing now', object({ a: STRING }, { required: ['a'] }), object({ a: STRING }), []],
  ['a property that must be there now', object({ a: STRING }), object({ a: STRING }, { required: ['a'] }), ['a: is required now']],
  ['a property less', object({ a: STRING, b: STRING }), object({ a: STRING }), []],
  ['a property less of a closed object', object({ a: STRING, b: STRING }, { additionalProperties: false }), object({ a: STRING }, { additionalProperties: false }), ['b: is not taken any more']],
  ['an object that is closed', object({ a: STRING }), object({ a: STRING }, { additionalProperties: false }), ['properties that are not named are refused now']],
  ['an object that is open', object({ a: STRING }, { additionalProperties: false }), object({ a: STRING }), []],
  ['a property within', object({ a: object({ b: STRING }) }), object({ a: object({ b: { type: 'integer' } }) }), ['a.b: string was taken, now only integer']],
  ['a property that goes on as any other', object({ a: STRING }), { type: 'object', additionalProperties: { type: 'integer' } }, ['a: string was taken, now only integer', '*: anything was taken, now only integer']],
  ['a dictionary', { type: 'object', additionalProperties: STRING }, { type: 'object', additionalProperties: { type: 'integer' } }, ['*: string was taken, now only integer']],
  ['items', { type: 'array', items: STRING }, { type: 'array', items: { type: 'integer' } }, ['[]: string was taken, now only integer']],
  ['items of any kind', { type: 'array', items: STRING }, { type: 'array' }, []],
  ['fewer items', { type: 'array' }, { type: 'array', maxItems: 3 }, ['maxItems is 3 now, and was none']],
  ['items that differ', { type: 'array' }, { type: 'array', uniqueItems: true }, ['its items must differ now']],
  ['a pair', { type: 'array', items: [STRING, STRING] }, { type: 'array', items: [STRING, { type: 'integer' }] }, ['[1]: string was taken, now only integer']],
  ['a pair that is closed', { type: 'array', items: [STRING] }, { type: 'array', items: [STRING], additionalItems: false }, ['[]: nothing is taken any more']],
  ['a rule that nobody compares', STRING, { type: 'string', not: { const: 'a' } }, ['"not" has changed, and nobody can tell whether everything is still taken']],
  ['the same rule that nobody compares', { type: 'string', not: { const: 'a' }, minLength: 1 }, { type: 'string', not: { const: 'a' } }, []],
  ['no such rule', { type: 'string', not: { const: 'a' } }, STRING, []],
  ['all of several', { allOf: [object({ a: STRING }, { required: ['a'] }), object({ b: STRING })] }, object({ a: STRING, b: STRING }, { required: ['a'] }), []],
  ['all of several, and one more', object({ a: STRING }), { allOf: [object({ a: STRING }), object({}, { required: ['b'] })] }, ['b: is required now']],
  ['a reference', object({ a: { $ref: '#/definitions/A' } }, { definitions: { A: STRING } }), object({ a: STRING }), []],
  ['a reference to something else', object({ a: { $ref: '#/definitions/A' } }, { definitions: { A: STRING } }), object({ a: { $ref: '#/definitions/A' } }, { definitions: { A: { type: 'integer' } } }), ['a: string was taken, now only integer']],
  ['a name with signs', object({ a: { $ref: '#/definitions/a~1b%20c' } }, { definitions: { 'a/b c': STRING } }), object({ a: { type: 'integer' } }), ['a: string was taken, now only integer']],
  ['a reference that leads nowhere', object({ a: { $ref: '#/definitions/none' } }), object({ a: STRING }), ['a: anything was taken, now only string']],
  ['references in a circle', { $ref: '#/definitions/A', definitions: { A: { $ref: '#/definitions/A' } } }, STRING, ['anything was taken, now only string']],
];

describe('what a schema takes no more', () => {
  it.each(CASES)('%s', (_what, before, now, problems) => {
    expect(narrowings(before, now)).toEqual(problems);
  });

  it('of schemas that refer to themselves', () => {
    const Before = z.object({ name: z.string(), get children(): z.ZodOptional<z.ZodArray<typeof Before>> { return z.array(Before).optional(); } });
    const Now = z.object({ name: z.string().max(9), get children(): z.ZodOptional<z.ZodArray<typeof Now>> { return z.array(Now).optional(); } });
    const [before, now] = [schemaOf(Before, 'input'), schemaOf(Now, 'input')];
    expect(narrowings(before, { ...now as object, title: 'other' })).toEqual(['name: maxLength is 9 now, and was none']);
    expect(narrowings(now, before)).toEqual([]);
    const list: JsonSchema = { type: ['object', 'null'], properties: { next: { anyOf: [{ $ref: '#' }], description: 'a' } } };
    expect(narrowings(list, { ...list, title: 'b' })).toEqual([]);
  });

  it('of schemas beyond measure', () => {
    const many = (type: string): JsonSchema => ({ anyOf: Array.from({ length: 300 }, (_, index) => object({ [`p${index}`]: { type, maxLength: index } }, { required: [`p${index}`] })) });
    expect(narrowings(many('string'), many('integer'))).toContain('too large to be compared');
    let deep: JsonSchema = STRING;
    for (let depth = 0; depth < 1_000; depth++) deep = object({ a: deep });
    expect(narrowings(deep, { ...deep as object, title: 'x' })[0]).toMatch(/too large to be compared$/);
  });
});

const leaf: fc.Arbitrary<object> = fc.oneof(
  fc.record({ type: fc.constant('string'), minLength: fc.integer({ min: 0, max: 3 }), maxLength: fc.integer({ min: 0, max: 3 }), pattern: fc.constantFrom('^a', 'b$') }, { requiredKeys: ['type'], noNullPrototype: true }),
  fc.record({ type: fc.constantFrom('integer', 'number'), minimum: fc.integer({ min: -2, max: 2 }), exclusiveMaximum: fc.integer({ min: -2, max: 2 }) }, { requiredKeys: ['type'], noNullPrototype: true }),
  fc.record({ enum: fc.uniqueArray(fc.constantFrom('', 'a', 'ab', 1, null, true), { minLength: 1 }) }, { noNullPrototype: true }),
  fc.constantFrom<object>({ type: 'boolean' }, { type: 'null' }, {}, { type: ['string', 'integer'] }, { type: 'string', not: { const: 'a' } }),
);
const schemas: fc.Arbitrary<object> = fc.letrec<{ schema: object }>((tie) => ({
  schema: fc.oneof({ maxDepth: 2, withCrossShrink: true }, leaf,
    fc.record({ type: fc.constant('object'), properties: fc.dictionary(fc.constantFrom('a', 'b'), tie('schema')), required: fc.constantFrom(['a'], ['b'], []), additionalProperties: fc.boolean() }, { requiredKeys: ['type', 'properties'], noNullPrototype: true }),
    fc.record({ type: fc.constant('array'), items: tie('schema'), maxItems: fc.integer({ min: 0, max: 2 }), uniqueItems: fc.boolean() }, { requiredKeys: ['type'], noNullPrototype: true }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }, { noNullPrototype: true }),
    fc.record({ allOf: fc.tuple(tie('schema')) }, { noNullPrototype: true })),
})).schema;
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 2 }, fc.constantFrom<unknown>('', 'a', 'ab', 'b', 'abcd', -3, 0, 1, 1.5, 2, true, false, null), fc.dictionary(fc.constantFrom('a', 'b'), tie('value'), { noNullPrototype: true }), fc.array(tie('value'), { maxLength: 3 })),
})).value;

it('what is said to be taken still is, by a validator', () => {
  const ajv = new Ajv({ strict: false, addUsedSchema: false });
  let compared = 0;
  fc.assert(fc.property(schemas, schemas, fc.array(values, { minLength: 20, maxLength: 20 }), (before, now, all) => {
    if (narrowings(before as JsonSchema, now as JsonSchema).length > 0) return;
    const [was, is] = [ajv.compile(before), ajv.compile(now)];
    for (const value of all) {
      if (!was(value) || goesBeyond(before, value)) continue;
      compared++;
      expect(is(value), JSON.stringify({ before, now, value })).toBe(true);
    }
  }), { numRuns: 3_000 });
  expect(compared).toBeGreaterThan(100);
});

/** An object is thought to have no properties but those that are named. */
function goesBeyond(schema: object, value: unknown): boolean {
  const { properties = {}, items, anyOf = [], allOf = [] } = schema as { properties?: Record<string, object>; items?: object; anyOf?: object[]; allOf?: object[] };
  if (typeof value !== 'object' || value === null) return false;
  if ([...anyOf, ...allOf].length > 0) return [...anyOf, ...allOf].some((one) => goesBeyond(one, value));
  if (Array.isArray(value)) return items === undefined ? false : value.some((one) => goesBeyond(items, one));
  return Object.entries(value).some(([name, one]) => properties[name] === undefined || goesBeyond(properties[name], one));
}
