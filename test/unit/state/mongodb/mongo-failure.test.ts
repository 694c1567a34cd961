import { inspect } from 'node:util';
import * as mongodb from 'mongodb';
import { describe, expect, it } from 'vitest';
import * as errors from '../../../../lib/errors.js';
import { mongoFailure } from '../../../../lib/state/mongodb/mongo-failure.js';
import { MongoStore } from '../../../../lib/state/mongodb/mongo-store.js';

const NETWORK = new mongodb.MongoNetworkError('words: read ECONNRESET');
const server = (code: number, labels: string[] = []): Error => new mongodb.MongoServerError({ message: 'words', code, errorLabels: labels });
const bulk = (error: unknown): Error => new mongodb.MongoBulkWriteError(error as mongodb.MongoServerError, {} as mongodb.BulkWriteResult);

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
    ['anything else', named('MongoServerError', 2), errors.ResultBackendError],
  ])('%s', (_, error, type) => {
    const failure = mongoFailure(error, 'mongodb://h');
    expect(failure.constructor).toBe(type);
    expect(failure.cause).toBe(error);
    expect(failure.message).toContain('words');
  });

  it.each<[string, Error]>([
    ['a socket that broke', NETWORK],
    ['a socket that broke, in a bulk write', bulk(NETWORK)],
    ['a client that was closed, in a bulk write', bulk(new mongodb.MongoClientClosedError())],
    ['a closed topology', new mongodb.MongoTopologyClosedError('words')],
    ['a server without connection', new mongodb.MongoNotConnectedError('words')],
    ['a closed server', new mongodb.MongoServerClosedError('words')],
    ['no server to choose', new mongodb.MongoServerSelectionError('words', {} as never)],
    ['no primary, with a label alone', server(1, ['RetryableWriteError'])],
    ['a write concern that met a shutdown', bulk({ message: 'words', code: 91 })],
    ['a server that shuts down', server(11600)],
    ['a network failure as the cause', Object.assign(new mongodb.MongoUnexpectedServerResponseError('words'), { cause: NETWORK })],
    ['a plain error of Node', Object.assign(new Error('words'), { code: 'ECONNRESET' })],
    ['an old server that says it in words', new mongodb.MongoServerError({ message: 'words: node is recovering' })],
  ])('%s: not there, try again', (_, error) => {
    const failure = mongoFailure(error, 'mongodb://h');
    expect(failure).toBeInstanceOf(errors.ResultBackendUnavailableError);
    expect(failure.retryable).toBe(true);
  });

  it.each<[string, Error]>([
    ['a conflict', server(112)], ['a transaction', server(1, ['TransientTransactionError'])], ['too much to do', server(462)], ['a time limit', bulk({ message: 'words', code: 50 })],
  ])('%s: there, but try again', (_, error) => {
    const failure = mongoFailure(error, 'mongodb://h');
    expect(failure.constructor).toBe(errors.ResultBackendError);
    expect(failure.retryable).toBe(true);
  });

  it('is no reason to try again where the server says no, also to a bulk write', () => {
    expect(mongoFailure(bulk({ message: 'words', code: 2 }), 'mongodb://h').retryable).toBe(false);
    const circle = Object.assign(server(2), { cause: undefined as unknown });
    circle.cause = circle;
    expect(mongoFailure(circle, 'mongodb://h').retryable).toBe(false);
  });

  it('is a mistake of whoever wrote the URL, and repeats none of it', () => {
    const failure = mongoFailure(Object.assign(new Error('Invalid connection string "mongodb://user:secret@h"'), { name: 'MongoParseError' }), 'mongodb://h');
    expect(failure.constructor).toBe(errors.ConfigurationError);
    expect(failure.message).toContain('Invalid connection string the URL');
    expect(inspect(failure, { showHidden: true })).not.toContain('secret');
  });

  it('does not show the password of the URL', () => {
    expect(new MongoStore('mongodb://user:p%40ss@h1,h2:1/db?authSource=admin', { connectTimeoutMs: 1 }).display).toBe('mongodb://h1,h2:1/db');
  });
});
