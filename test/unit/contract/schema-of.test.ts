import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { INT64, schemaOf, takesUndefined } from '../../../lib/contract/describe/schema-of.js';

const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) });

/** A schema of some library, which says this of itself. */
function foreign(own: object, validate: StandardSchemaV1['~standard']['validate'] = (value) => ({ value })): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'other', validate, ...own } };
}

describe('a schema of each library', () => {
  it.each([
    ['zod', z.object({ id: z.int().positive(), tags: z.array(z.string()).default([]) })],
    ['arktype', type({ id: 'number.integer > 0', 'tags?': 'string[]' })],
    ['valibot', v.object({ id: v.pipe(v.number(), v.integer()), tags: v.optional(v.array(v.string()), []) })],
  ])('%s says what it takes', (_library, schema) => {
    expect(schemaOf(schema, 'input')).toMatchObject({ type: 'object', required: ['id'], properties: { id: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } } });
    expect(schemaOf(schema, 'input')).not.toHaveProperty('$schema');
  });

  it('what has no JSON Schema is anything, and the rest is told all the same', () => {
    expect(schemaOf(z.object({ due: z.coerce.date(), name: z.string() }), 'input')).toMatchObject({ properties: { due: {}, name: { type: 'string' } } });
    expect(schemaOf(type({ due: 'string.date.parse', name: 'string' }), 'input')).toMatchObject({ properties: { due: { type: 'string' }, name: { type: 'string' } } });
    expect(schemaOf(v.object({ due: v.date(), name: v.string() }), 'input')).toMatchObject({ properties: { due: {}, name: { type: 'string' } } });
    expect(schemaOf(z.date(), 'input')).toBe(true);
  });

  it('a bigint is an int64', () => {
    expect(schemaOf(z.bigint(), 'input')).toEqual(INT64);
    expect(schemaOf(v.bigint(), 'input')).toEqual(INT64);
  });

  it('input and output are told from each other', () => {
    const schema = z.string().transform(Number).pipe(z.number());
    expect(schemaOf(schema, 'input')).toEqual({ type: 'string' });
    expect(schemaOf(schema, 'output')).toEqual({ type: 'number' });
  });

  it('an earlier zod 4 has a function of its own', () => {
    const schema = Object.assign(foreign({}), { toJSONSchema: ({ io }: { io: string }) => ({ type: 'string', title: io }) });
    expect(schemaOf(schema, 'input')).toEqual({ type: 'string', title: 'input' });
  });

  it.each<[string, StandardSchemaV1]>([
    ['says nothing', foreign({})],
    ['throws', foreign({ jsonSchema: { input: () => { throw new Error('no'); } } })],
    ['gives a text', foreign({ jsonSchema: { input: () => 'text' } })],
    ['gives nothing', foreign({ jsonSchema: { input: () => undefined } })],
    ['is nested without end', foreign({ jsonSchema: { input: () => nested(200) } })],
    ['goes in a circle', foreign({ jsonSchema: { input: () => { const circle: Record<string, unknown> = {}; circle['a'] = circle; return circle; } } })],
    ['is empty', foreign({ jsonSchema: { input: () => ({ $schema: 'x', $id: 'y' }) } })],
  ])('one that %s takes anything', (_what, schema) => {
    expect(schemaOf(schema, 'input')).toBe(true);
  });
});

it('whether an argument may be left out is asked of the schema', () => {
  expect(takesUndefined(z.string())).toBe(false);
  expect(takesUndefined(z.string().optional())).toBe(true);
  expect(takesUndefined(v.optional(v.string(), 'a'))).toBe(true);
  expect(takesUndefined(foreign({}, () => Promise.reject(new Error('its database is away'))))).toBeUndefined();
  expect(takesUndefined(foreign({}, () => { throw new Error('broken'); }))).toBeUndefined();
});
