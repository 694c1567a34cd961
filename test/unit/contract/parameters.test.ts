import { describe, expect, it } from 'vitest';
import { parametersOfSource } from '../../../lib/contract/describe/parameters.js';

const CASES: readonly (readonly [source: string, parameters: readonly object[]])[] = [
  ['add(a, b) { return a + b; }', [{ name: 'a' }, { name: 'b' }]],
  ['none() { return (1, 2); }', []],
  ['async send(to, subject = "a, b", ...rest) {}', [{ name: 'to' }, { name: 'subject', isOptional: true }, { name: 'rest', isRest: true }]],
  ['(a, b) => a', [{ name: 'a' }, { name: 'b' }]],
  ['take({ a, b }, [c, d], e) {}', [{}, {}, { name: 'e' }]],
  ['take(a = (1, 2), b = { c: [1, 2] }, d = x => x) {}', [{ name: 'a', isOptional: true }, { name: 'b', isOptional: true }, { name: 'd', isOptional: true }]],
  ['take(/* first, the one */ a, // the (second)\n b) {}', [{ name: 'a' }, { name: 'b' }]],
  ["take(a = ')', b = `(${'x'}`, c = '\\'') {}", [{ name: 'a', isOptional: true }, { name: 'b', isOptional: true }, { name: 'c', isOptional: true }]],
  ['*many(größe, $x, _y) {}', [{ name: 'größe' }, { name: '$x' }, { name: '_y' }]],
  ['take(a,) {}', [{ name: 'a' }]],
  ['function () { [native code] }', []],
  ['unclosed(a, b', [{ name: 'a' }, { name: 'b' }]],
  ['x => x', []],
  ['', []],
];

describe('the parameters of a function by its source', () => {
  it.each(CASES)('%s', (source, parameters) => {
    expect(parametersOfSource(source)).toEqual(parameters);
  });
});
