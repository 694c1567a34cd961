import { describe, expect, it } from 'vitest';
import * as errors from '../../../../lib/errors.js';
import { mongoFailure } from '../../../../lib/results/mongodb/mongo-failure.js';
import { MongoStore } from '../../../../lib/results/mongodb/mongo-store.js';

const named = (name: string, code?: number): Error => Object.assign(new Error('words'), { name, code });

describe('an error of the MongoDB driver', () => {
  it.each<[string, Error, new (...args: never[]) => Error]>([
    ['the network', named('MongoNetworkTimeoutError'), errors.ResultBackendUnavailableError],
    ['no server', named('MongoServerSelectionError'), errors.ResultBackendUnavailableError],
    ['a closed client', named('MongoClientClosedError'), errors.ResultBackendUnavailableError],
    ['no primary any more', named('MongoServerError', 10107), errors.ResultBackendUnavailableError],
    ['a wrong password', named('MongoServerError', 18), errors.ResultBackendRefusedError],
    ['no rights', named('MongoServerError', 13), errors.ResultBackendRefusedError],
    ['a document that is too large', named('MongoServerError', 10334), errors.ResultTooLargeError],
    ['a URL that is none', named('MongoParseError'), errors.ConfigurationError],
    ['anything else', named('MongoServerError', 2), errors.ResultBackendError],
  ])('%s', (_, error, type) => {
    const failure = mongoFailure(error, 'mongodb://h');
    expect(failure.constructor).toBe(type);
    expect(failure.cause).toBe(error);
    expect(failure.message).toContain('words');
  });

  it('does not show the password of the URL', () => {
    expect(new MongoStore('mongodb://user:p%40ss@h1,h2:1/db?authSource=admin', { connectTimeoutMs: 1 }).display).toBe('mongodb://h1,h2:1/db');
  });
});
