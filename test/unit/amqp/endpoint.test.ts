import { describe, expect, it } from 'vitest';
import { parseEndpoint } from '../../../lib/amqp/endpoint.js';
import { ConfigurationError } from '../../../lib/errors.js';

const base = { secure: false, hostname: 'host', port: 5672, username: 'guest', password: 'guest', vhost: '/', heartbeatSeconds: 15 };

describe('parseEndpoint', () => {
  it.each([
    ['amqp://host', {}],
    ['amqp://host/', {}],
    ['amqp://guest:guest@host:5699/', { port: 5699 }],
    ['amqps://host', { secure: true, port: 5671 }],
    ['amqp://host/team', { vhost: 'team' }],
    ['amqp://host/%2Fteam%20a', { vhost: '/team a' }],
    ['amqp://us%40er:p%C3%A4ss%2F%25@host', { username: 'us@er', password: 'päss/%' }],
    ['amqp://user@host', { username: 'user', password: '' }],
    ['amqp://[::1]:5673', { hostname: '::1', port: 5673 }],
    ['amqp://host?heartbeat=7', { heartbeatSeconds: 7 }],
    ['amqp://host?heartbeat=0', { heartbeatSeconds: 0 }],
  ])('%s', (url, expected) => {
    const endpoint = parseEndpoint(url, false, 15);
    expect({ ...endpoint, password: endpoint.password.reveal() }).toMatchObject({ ...base, ...expected });
  });

  it('forces TLS and its port', () => {
    expect(parseEndpoint('amqp://host', true, 15)).toMatchObject({ secure: true, port: 5671 });
  });

  it.each(['http://host', 'host', 'amqp://user:secret%zz@host', 'amqp://user:secret@host?heartbeat=soon', 'amqp://user:secret@ho st:99999999/'])(
    'refuses %s without repeating the password',
    (url) => {
      const refused = (): unknown => parseEndpoint(url, false, 15);
      expect(refused).toThrow(ConfigurationError);
      expect(refused).toThrow(/^((?!secret).)*$/s);
    },
  );

  it('shows no credentials', () => {
    expect(parseEndpoint('amqp://user:secret@host/v', false, 15).display).toBe('amqp://host:5672 (virtual host "v")');
  });
});
