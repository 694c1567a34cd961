import { describe, expect, it } from 'vitest';
import { exampleOf } from '../../../dashboard/src/parts/example-value.js';

describe('a value to begin with', () => {
  it.each([
    [true, null], [false, null], [{}, null],
    [{ type: 'string' }, ''], [{ type: ['string', 'null'] }, ''], [{ type: 'integer' }, 0], [{ type: 'number', minimum: 1.5 }, 1.5], [{ type: 'integer', exclusiveMinimum: 0 }, 1],
    [{ type: 'integer', minimum: -9007199254740991 }, -9007199254740991],
    [{ type: 'boolean' }, false], [{ type: 'array', items: { type: 'string' } }, []], [{ type: 'array', items: [{ type: 'string' }, { const: 5 }] }, ['', 5]],
    [{ enum: ['a', 'b'] }, 'a'], [{ const: 3 }, 3], [{ type: 'string', default: 'x' }, 'x'], [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, 0],
    [{ type: 'object', properties: { id: { type: 'integer' }, note: { type: 'string' } }, required: ['id', 'unknown'] }, { id: 0, unknown: null }],
  ] as const)('of %j is %j', (schema, expected) => {
    expect(exampleOf(schema as never)).toEqual(expected);
  });

  it('ends where a schema is nested for ever, and takes no names of objects for its own', () => {
    const nested: Record<string, unknown> = { type: 'object', required: ['again', '__proto__'] };
    nested.properties = { again: nested };
    expect(JSON.stringify(exampleOf(nested))).toContain('"again":null');
    expect(exampleOf({ type: 'string', format: 'date-time' })).toMatch(/^\d{4}-.*Z$/);
  });
});
