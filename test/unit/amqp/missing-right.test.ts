import { describe, expect, it } from 'vitest';
import { missingRightIn, missingRightText } from '../../../lib/amqp/missing-right.js';

const old = (operation: string, resource: string): string =>
  `${operation} 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - access to ${resource} in vhost '/' refused for user 'u'"`;

describe('missingRightIn', () => {
  it.each([
    ['Operation failed: QueueDeclare;', "queue 'q'", 'configure'],
    ['Operation failed: ExchangeDeclare;', "exchange 'e'", 'configure'],
    ['Operation failed: QueueBind;', "queue 'q'", 'write'],
    ['Operation failed: QueueBind;', "exchange 'e'", 'read'],
    ['Operation failed: BasicConsume;', "queue 'q'", 'read'],
    ['Operation failed: QueuePurge;', "queue 'q'", 'read'],
    ['Channel closed by server:', "exchange 'amq.default'", 'write'],
  ])('%s of %s, before 4.0: %s', (operation, resource, right) => {
    expect(missingRightIn(old(operation, resource))).toMatchObject({ right, vhost: '/', user: 'u' });
  });

  it('takes the right that newer servers name', () => {
    expect(missingRightIn(`ACCESS_REFUSED - write access to queue 'a b' in vhost 'v' refused for user 'u'`))
      .toEqual({ right: 'write', kind: 'queue', name: 'a b', vhost: 'v', user: 'u' });
  });

  it('finds none in other refusals', () => {
    expect(missingRightIn('ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN')).toBeUndefined();
  });
});

describe('missingRightText', () => {
  it('names who lacks what, for what, and the line that grants it', () => {
    const text = missingRightText({ right: 'configure', kind: 'queue', name: 'orders.eu', vhost: '/', user: 'shop' });
    expect(text).toContain('The user "shop" has no configure right on the queue "orders.eu" in the virtual host "/", which is needed to declare or to remove it.');
    expect(text).toContain(String.raw`rabbitmqctl set_permissions -p / shop '<configure>|^orders\.eu$' '<write>' '<read>'`);
  });

  it('grants names of one kind together, and quotes for a shell', () => {
    const text = missingRightText({ right: 'read', kind: 'queue', name: "it's.replies.v1.4711", vhost: 'a b', user: 'u' });
    expect(text).toContain(String.raw`set_permissions -p 'a b' u '<configure>' '<write>' '<read>|^it'\''s\.replies\.v1\.'`);
    expect(text).toContain('results that are sent back');
    expect(missingRightText({ right: 'configure', kind: 'queue', name: 'amq.gen-Xyz', vhost: '/', user: 'u' })).toContain(String.raw`|^amq\.gen-'`);
  });
});
