import { describe, expect, it } from 'vitest';
import { classifyConnectionFailure } from '../../../lib/amqp/connection-failure.js';
import { BrokerRefusedError, BrokerUnavailableError, TopologyMismatchError } from '../../../lib/errors.js';

const coded = (code: string, message = code): Error => Object.assign(new Error(message), { code });

/** Texts as amqplib 2.3.1 gave them with RabbitMQ 3.10.8. */
describe('classifyConnectionFailure', () => {
  it.each([
    ['a wrong password', new Error('Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile."'), /password/],
    ['an unknown virtual host', new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'), /virtual host/],
    ['a mechanism', new Error('SASL mechanism PLAIN is not provided by the server'), /PLAIN/],
    ['an expired certificate', coded('CERT_HAS_EXPIRED', 'certificate has expired'), /TLS/],
    ['a self-signed certificate', coded('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'), /TLS/],
    ['an unknown authority', coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), /TLS/],
    ['a wrong host name', coded('ERR_TLS_CERT_ALTNAME_INVALID'), /TLS/],
    ['a plain port', coded('ERR_SSL_WRONG_VERSION_NUMBER'), /TLS/],
    ['a wrong passphrase', coded('ERR_OSSL_BAD_DECRYPT', 'error:1C800064:Provider routines::bad decrypt'), /`passphrase` is that of the key/],
    ['a key without its passphrase', coded('ERR_MISSING_PASSPHRASE'), /`passphrase` is that of the key/],
    ['a missing client certificate', coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), /TLS/],
  ])('%s is a refusal, with advice', (_name, error, advice) => {
    const classified = classifyConnectionFailure(error, 'amqp://host:1');
    expect(classified).toBeInstanceOf(BrokerRefusedError);
    expect(classified.message).toMatch(advice);
    expect(classified.cause).toBe(error);
  });

  it.each([
    ['nobody listening', coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1')],
    ['no such name', coded('ENOTFOUND', 'getaddrinfo ENOTFOUND nowhere')],
    ['silence', new Error('connect ETIMEDOUT')],
    ['a reset', coded('ECONNRESET', 'read ECONNRESET')],
    ['a close in the handshake', new Error('Socket closed abruptly during opening handshake')],
  ])('%s may pass', (_name, error) => {
    const classified = classifyConnectionFailure(error, 'amqp://host:1');
    expect(classified).toBeInstanceOf(BrokerUnavailableError);
    expect(classified.retryable).toBe(true);
  });

  it('names each address that failed', () => {
    const error = Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:1'), new Error('connect ECONNREFUSED 127.0.0.1:1')]), { code: 'ECONNREFUSED' });
    expect(classifyConnectionFailure(error, 'amqp://localhost:1').message).toMatch(/::1:1.*127\.0\.0\.1:1/);
  });

  it('leaves our own errors as they are', () => {
    const error = new TopologyMismatchError('other type');
    expect(classifyConnectionFailure(error, 'amqp://host:1')).toBe(error);
  });
});
