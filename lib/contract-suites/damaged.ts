import type { ArrivedMessage } from '../formats/format.js';

/** What parsers stumble over. */
const PIECES = ['null', '[]', '{}', '"', '{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}', '1e999', '-0', '99999999999999999999999', '\u0000', '\ud800', 'true', ','].map((text) => Buffer.from(text));

/** Messages that are nearly this one: cut, with bytes changed, with something put in. The same ones each time. */
export function damaged(message: ArrivedMessage, count: number): ArrivedMessage[] {
  const random = numbers(message.body.length + 1);
  return Array.from({ length: count }, (_, index) => {
    const body = bodyOf(message.body, index, random);
    const headers = index % 5 === 4 ? damagedHeaders(message, random) : message.properties.headers;
    return { ...message, body, properties: { ...message.properties, headers } };
  });
}

function bodyOf(whole: Buffer, index: number, random: () => number): Buffer {
  const place = Math.floor(random() * (whole.length + 1));
  switch (index % 4) {
    case 0: return whole.subarray(0, place);
    case 1: return Buffer.concat([whole.subarray(0, place), PIECES[Math.floor(random() * PIECES.length)]!, whole.subarray(place)]);
    case 2: return Buffer.concat([whole.subarray(0, place), PIECES[Math.floor(random() * PIECES.length)]!, whole.subarray(Math.min(whole.length, place + Math.floor(random() * 20)))]);
    default: {
      const changed = Buffer.from(whole);
      if (changed.length > 0) changed[place % changed.length] = Math.floor(random() * 256);
      return changed;
    }
  }
}

/** Of one header another value, or none. */
function damagedHeaders({ properties: { headers = {} } }: ArrivedMessage, random: () => number): ArrivedMessage['properties']['headers'] {
  const names = Object.keys(headers);
  const name = names[Math.floor(random() * names.length)];
  if (name === undefined) return headers;
  const values = [undefined, null, 5, '', true, [], { a: 1 }, 'x'.repeat(300)];
  const value = values[Math.floor(random() * values.length)];
  const { [name]: _left, ...rest } = headers;
  return value === undefined ? rest : { ...rest, [name]: value };
}

/** From 0 to 1, the same for the same seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
