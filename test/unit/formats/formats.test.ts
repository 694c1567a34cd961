import { describe, expect, it } from 'vitest';
import { ConfigurationError, InvalidBodyError } from '../../../lib/errors.js';
import type { ArrivedMessage, Format } from '../../../lib/formats/format.js';
import { Formats } from '../../../lib/formats/formats.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { hutchFormat } from '../../../lib/formats/hutch.js';
import { machineryFormat } from '../../../lib/formats/machinery/machinery.js';

const own: Format = {
  name: 'own', contentType: 'text/csv',
  encode: ({ uuid, name, headers }) => ({ body: Buffer.from(`${uuid};${name}`), properties: { contentType: 'text/csv', messageId: uuid, headers } }),
  decode: ({ body, properties }) => {
    const [uuid, name] = body.toString().split(';');
    if (uuid === undefined || name === undefined) throw new Error('not two of them');
    return { uuid, name, args: [], headers: properties.headers };
  },
  recognises: ({ properties }) => properties.contentType === 'text/csv',
};
const json = (body: string, properties: ArrivedMessage['properties'] = { contentType: 'application/json' }): ArrivedMessage => ({ body: Buffer.from(body), properties, exchange: '', routingKey: 'mail.send' });
const PLAIN = '{"uuid":"u","name":"n","args":null}';

describe('the formats of a dispatcher', () => {
  it('are those that are built in, and those of its own', () => {
    const formats = new Formats([own]);
    expect(formats.names).toEqual(['own', 'celery', 'cloudevents', 'gofort', 'machinery', 'celery1', 'sidekiq', 'gocraft', 'cloudevents-binary', 'goworkers', 'hutch']);
    expect(formats.get('own', 'format')).toBe(own);
    expect(() => formats.get('machinry', 'format')).toThrow(/format is the string "machinry", which is no format\. Did you mean "machinery"\?/);
  });

  it.each<[string, unknown, RegExp]>([
    ['no format', { name: 'x' }, /formats\[0\] must be a Format: an object with name, contentType, encode and decode/],
    ['a name that is taken', { ...own, name: 'gofort' }, /formats\[0\] is named "gofort", as another format is/],
  ])('refuse %s', (_title, format, text) => {
    expect(() => new Formats([format as Format])).toThrow(text);
    expect(() => new Formats([format as Format])).toThrow(ConfigurationError);
  });

  it('know a message by its header before all else, and refuse one of a format that they lack', () => {
    const reading = new Formats().reading(gofortFormat);
    const hutch = json('{"a":1}', { contentType: 'application/json', messageId: 'm', headers: { 'x-dispatcher-format': 'hutch' } });
    expect(reading.of(hutch)).toBe(hutchFormat);
    expect(reading.decode(hutch)).toMatchObject({ uuid: 'm', name: 'mail.send', args: [{ type: 'json', value: { a: 1 } }] });
    expect(() => reading.decode(json(PLAIN, { headers: { 'x-dispatcher-format': 'acme' } }))).toThrow(/in the format the string "acme".*which this dispatcher does not have\. Add it to formats/);
  });

  it('do not take an event for a task because it has a uuid and a name', () => {
    const reading = new Formats().reading(hutchFormat);
    expect(reading.of(json('{"uuid":"u","name":"Ada"}'))).toBe(hutchFormat);
    expect(reading.of(json(PLAIN))).toBe(gofortFormat);
    expect(reading.of(json('{"UUID":"u","Name":"n","Args":null}'))).toBe(machineryFormat);
  });

  it('read what none recognises as what is expected', () => {
    expect(new Formats().reading(machineryFormat).of(json('{}'))).toBe(machineryFormat);
    expect(new Formats().reading(gofortFormat).of(json('nothing at all'))).toBe(gofortFormat);
  });

  it('ask those of the configuration first, and make a typed error of whatever they throw', () => {
    const reading = new Formats([own]).reading(gofortFormat);
    expect(reading.decode(json('1;mail.send', { contentType: 'text/csv' }))).toMatchObject({ uuid: '1', name: 'mail.send' });
    expect(() => reading.decode(json('1', { contentType: 'text/csv' }))).toThrow(InvalidBodyError);
    expect(() => reading.decode(json('1', { contentType: 'text/csv' }))).toThrow(/The format "own" failed at a message.*not two of them/);
    const thrower: Format = { ...own, name: 'thrower', recognises: () => { throw new Error('oh'); } };
    expect(new Formats([thrower]).reading(gofortFormat).of(json(PLAIN))).toBe(gofortFormat);
  });

  it('look at a plain task no further than at its beginning', () => {
    let asked = 0;
    const message = json(PLAIN, { contentType: 'application/json', headers: { tenant: 't1', 'x-dispatcher-attempt': 2 } });
    const parse = JSON.parse;
    JSON.parse = ((...args: Parameters<typeof parse>) => { asked++; return parse(...args) as unknown; }) as typeof parse;
    try {
      expect(new Formats().reading(gofortFormat).of(message)).toBe(gofortFormat);
    } finally {
      JSON.parse = parse;
    }
    expect(asked).toBe(0);
  });
});
