import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../../lib/dispatcher/config/resolve-config.js';
import { withAbsoluteFolder } from '../../../../lib/dispatcher/config/working-folder.js';

describe('withAbsoluteFolder', () => {
  it.each([
    ['embedded:./data', 'embedded:/work/data'],
    ['EMBEDDED:data', 'embedded:/work/data'],
    ['embedded:/var/data', 'embedded:/var/data'],
    ['embedded:', 'embedded:'],
    ['embedded:#name', 'embedded:#name'],
    ['embedded://host', 'embedded://host'],
    ['embedded:  ', 'embedded:  '],
    ['amqp://host/./x', 'amqp://host/./x'],
  ])('reads %s as %s', (url, expected) => {
    expect(withAbsoluteFolder(url, '/work')).toBe(expected);
  });

  it('is asked once, when the configuration is read, for broker, results and threads', () => {
    const config = resolveConfig({
      exchange: 'x', defaultRoutingKey: 'k', broker: 'embedded:./data', resultBackend: 'embedded:other', threads: { module: '/m.js' },
    }, {}, '/work');
    expect([config.broker.reveal(), config.results.url?.reveal()]).toEqual(['embedded:/work/data', 'embedded:/work/other']);
    expect(config).toMatchObject({ threads: { workingFolder: '/work' } });
  });
});
