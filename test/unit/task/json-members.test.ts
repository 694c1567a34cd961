import { describe, expect, it } from 'vitest';
import { JsonMembers } from '../../../lib/task/json-members.js';
import { jsonOf, randomJson, seededRandom } from '../../support/random-values.js';

describe('members of a JSON object', () => {
  it.each([
    '{}', '{"a":1.0}', '{"a":12345678901234567890,"b":[1,{"c":"}"}],"d":"\\"\\\\"}', '{"__proto__":{"x":1},"":null}', '{"a":"\\u007d,\\"b\\":1"}',
  ])('%s is written as it came', (text) => expect(JsonMembers.parse(text).toString()).toBe(text));

  it('keeps what random objects say, whatever spaces are between', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 500; round++) {
      const members = Array.from({ length: Math.floor(random() * 5) }, (_, at) => [`k${at}`, jsonOf(randomJson(random))] as const);
      const text = ` { ${members.map(([name, value]) => `"${name}" : ${value} `).join(' , ')} } `;
      const parsed = JsonMembers.parse(text);
      expect(parsed.toString()).toBe(`{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}`);
      for (const [name, value] of members) expect(parsed.raw(name)).toBe(value);
    }
  });

  it('changes one and leaves the others', () => {
    const job = JsonMembers.parse('{"a":1.0,"b":"x","c":[ 1, 2 ]}').set('b', '2').set('d', 'null').delete('a');
    expect(job.toString()).toBe('{"b":2,"c":[ 1, 2 ],"d":null}');
    expect([job.has('a'), job.value('c'), job.value('a')]).toEqual([false, [1, 2], undefined]);
  });

  it('of two equal names has the last', () => expect(JsonMembers.parse('{"a":1,"b":2,"a":3}').toString()).toBe('{"a":3,"b":2}'));

  it.each(['', '[]', 'null', '1', '{"a":1', '{"a":1}x'])('refuses %s', (text) => expect(() => JsonMembers.parse(text)).toThrow(SyntaxError));
});
