import { expect, it } from 'vitest';
import { destinationOf } from '../../../lib/dispatcher/destination.js';
import { Secret } from '../../../lib/urls/secret.js';

it.each([
  ['amqp://user:secret@rabbit.example:5673/vhost', { system: 'rabbitmq', exchange: 'e', host: 'rabbit.example', port: 5673 }],
  ['amqps://rabbit.example', { system: 'rabbitmq', exchange: 'e', host: 'rabbit.example', port: 5671 }],
  ['AMQP://rabbit.example', { system: 'rabbitmq', exchange: 'e', host: 'rabbit.example', port: 5672 }],
  ['amqp://', { system: 'rabbitmq', exchange: 'e', host: 'localhost', port: 5672 }],
  ['amqp://[::1]:5672/', { system: 'rabbitmq', exchange: 'e', host: '::1', port: 5672 }],
  ['amqp://a b/', { system: 'rabbitmq', exchange: 'e' }],
  ['embedded:./folder', { system: 'dispatcher', exchange: 'e' }],
])('where tasks go by %s', (url, expected) => {
  expect(destinationOf({ broker: new Secret(url), exchange: 'e' })).toEqual(expected);
});
