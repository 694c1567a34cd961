import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidBodyError } from '../../../lib/errors.js';
import { celeryFormat } from '../../../lib/formats/celery/celery.js';
import { celeryError, readCeleryError, readCeleryRecord, readChordPart, writeCeleryRecord, writeChordPart } from '../../../lib/formats/celery/celery-result.js';
import { chordCallback, chordErrbacks, type Envelope } from '../../../lib/formats/celery/celery-signature.js';
import { jsonValue } from '../../../lib/formats/json-value.js';
import { CeleryResults } from '../../../lib/foreign/celery/celery-results.js';
import type { CeleryStore, ChordEnd } from '../../../lib/foreign/celery/celery-store.js';
import { GOLDEN, golden } from '../../support/golden.js';

const files = ['celery-results-redis', 'celery-results-rpc'].flatMap((folder) => readdirSync(join(GOLDEN, folder)).filter((name) => !name.endsWith('.properties.json')).map((name) => join(folder, name)));
const bytesOf = (file: string): Buffer => readFileSync(join(GOLDEN, file));
/** Python counts microseconds. */
const inMilliseconds = (text: string): string => text.replace(/(\.\d{3})\d{3}\+00:00/g, '$1000+00:00');

describe('records as Celery keeps and sends them', () => {
  it.each(files)('%s is read, and written with the same bytes', (file) => {
    expect(inMilliseconds(writeCeleryRecord(readCeleryRecord(bytesOf(file))).toString())).toBe(inMilliseconds(bytesOf(file).toString()));
  });

  it.each(['', 'null', '[]', '{"task_id":1,"status":"SUCCESS"}', '{"task_id":"t","status":"DONE"}', '{"task_id":"t","status":"SUCCESS","constructor":{"prototype":{}}}'])('what is no record is refused: %s', (text) => {
    expect(() => readCeleryRecord(Buffer.from(text))).toThrow(InvalidBodyError);
  });

  it('errors are read, whatever was kept in their place', () => {
    expect(readCeleryError(readCeleryRecord(bytesOf('celery-results-redis/failure.json')).result)).toEqual({ name: 'ValueError', message: 'it failed' });
    expect([null, 'text', 5, {}, { exc_type: 1, exc_message: 'm' }, { exc_type: 'E', exc_message: [1, 'a'] }].map(readCeleryError)).toEqual([
      { name: 'Error', message: 'null' }, { name: 'Error', message: 'text' }, { name: 'Error', message: '5' }, { name: 'Error', message: 'null' }, { name: 'Error', message: 'm' }, { name: 'E', message: '1, a' },
    ]);
  });

  it('parts of chords too', () => {
    const part = { id: 'a', status: 'SUCCESS', result: [1, 'ü'] };
    expect(writeChordPart(part).toString()).toBe('[1, "a", "SUCCESS", [1, "\\u00fc"]]');
    expect(readChordPart(writeChordPart(part))).toEqual(part);
    for (const text of ['null', '[]', '[1, 2, 3, 4]']) expect(() => readChordPart(Buffer.from(text))).toThrow(InvalidBodyError);
  });
});

describe('values as JSON', () => {
  it('are as JSON.stringify has them, with integers of any size', () => {
    const within: unknown[] = [];
    within.push(within);
    expect(jsonValue({ a: 2n ** 70n, at: new Date(0), lost: undefined, nan: NaN, list: [undefined, () => 1], map: new Map([[1, 2]]) })).toEqual({ value: { a: 2n ** 70n, at: '1970-01-01T00:00:00.000Z', nan: null, list: [null, null], map: {} } });
    expect(jsonValue(undefined)).toEqual({ value: null });
    expect(jsonValue(within)).toMatchObject({ problem: expect.stringContaining('within itself') as string });
    expect(jsonValue({ toJSON() { throw new Error('no'); } })).toEqual({ problem: 'no' });
  });
});

const member = celeryFormat.decode(golden('celery', 'chord-member-2'));
const envelope = member.arrived?.envelope as Envelope;
const surroundings = { now: 0, uuidFor: (place: string) => `uuid-of-${place}` };

describe('chords of Celery', () => {
  it('are run only where their members are counted', () => {
    expect(member.arrived).toMatchObject({ needsResults: expect.stringMatching(/foreignResults: \{ celery/) as string, unsupported: undefined });
    const composed = celeryFormat.decode({ ...golden('celery', 'chord-member-2'), body: Buffer.from('[[], {}, {"chord": {"task": "celery.group", "args": [], "kwargs": {}, "options": {}, "subtask_type": "group"}}]') });
    expect(composed.arrived?.unsupported).toMatch(/its chord have a group/);
  });

  it('give their callback the results as one list, under its own id', () => {
    const { name, message } = chordCallback(envelope.embed.chord, [3, 7], { id: member.uuid, headers: envelope.headers, embed: envelope.embed }, surroundings);
    expect(name).toBe('xsum');
    expect(message.body.toString()).toBe('[[[3, 7]], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]');
    expect(message.properties).toMatchObject({ messageId: '00000000-0000-4000-8000-000000000011', replyTo: expect.any(String) as string, headers: { parent_id: member.uuid, group: envelope.embed.chord === null ? '' : envelope.headers['group'] } });
  });

  it('tell whoever waits for the errors of the callback', () => {
    const callback = { ...envelope.embed.chord as object, options: { task_id: 'body', link_error: [{ task: 'told', args: ['x'], kwargs: {}, options: {}, subtask_type: null, immutable: false }] } };
    const { id, followUps } = chordErrbacks(callback, { id: member.uuid, headers: envelope.headers, embed: envelope.embed }, surroundings);
    expect(id).toBe('body');
    expect(followUps.map(({ name, message }) => [name, message.body.toString().slice(0, 17)])).toEqual([['told', '[["body", "x"], {']]);
  });
});

describe('what a run leaves', () => {
  function start(ending: ChordEnd = { kind: 'pending' }) {
    const written = new Map<string, unknown>();
    const completed: unknown[] = [];
    const warnings: string[] = [];
    const store: CeleryStore = {
      expect: () => Promise.resolve(), read: () => Promise.resolve(undefined), watch: () => () => undefined, close: () => Promise.resolve(),
      write(id, record, _isSuccess, to) {
        written.set(id, { ...readCeleryRecord(record), ...to });
        return Promise.resolve();
      },
      complete(...all) {
        completed.push(all);
        return Promise.resolve(ending);
      },
    };
    return { results: new CeleryResults(store, { warn: (message) => warnings.push(message) }), written, completed, warnings };
  }
  const uuidFor = (place: string): string => `uuid-of-${place}`;

  it('is a record with what was sent after it, to whom it was sent from', async () => {
    const { results, written } = start();
    const first = celeryFormat.decode({ ...golden('celery', 'chain-first'), properties: { ...golden('celery', 'chain-first').properties, replyTo: 'their-queue', correlationId: 'c' } });
    await results.ended(first, { kind: 'succeeded', value: 3 }, uuidFor);
    expect(written.get(first.uuid)).toMatchObject({ status: 'SUCCESS', result: 3, children: ['00000000-0000-4000-8000-000000000005'], replyTo: 'their-queue', correlationId: 'c' });
  });

  it('is nothing where its sender does not care, and a part of a chord all the same', async () => {
    const { results, written, completed } = start();
    const ignored = { ...member, arrived: { ...member.arrived!, envelope: { ...envelope, headers: { ...envelope.headers, ignore_result: true } } } };
    await results.ended(ignored, { kind: 'succeeded', value: 3 }, uuidFor);
    expect([...written.keys()]).toEqual([]);
    expect(completed).toEqual([[envelope.headers['group'], 1, { id: member.uuid, status: 'SUCCESS', result: 3 }]]);
  });

  it('of a failure is told to whoever waits for the end of its chain', async () => {
    const { results, written } = start();
    const first = celeryFormat.decode(golden('celery', 'chain-first'));
    await results.ended(first, { kind: 'failed', error: new TypeError('no') }, uuidFor);
    expect([...written.values()]).toMatchObject([{ taskId: first.uuid, status: 'FAILURE', result: celeryError('TypeError', 'no') }, { taskId: '00000000-0000-4000-8000-000000000006', status: 'FAILURE' }, { taskId: '00000000-0000-4000-8000-000000000005', status: 'FAILURE' }]);
  });

  it('of what was called off is REVOKED', async () => {
    const { results, written } = start();
    await results.ended(member, { kind: 'cancelled', reason: 'somebody' }, uuidFor);
    expect(written.get(member.uuid)).toMatchObject({ status: 'REVOKED', result: { exc_type: 'TaskRevokedError', exc_message: ['somebody'], exc_module: 'celery.exceptions' } });
  });

  it('of a chord is its callback, or its failure', async () => {
    const sent = (): Promise<void> => Promise.resolve();
    const good = start({ kind: 'mine', isShaped: false, sent, parts: [{ id: 'a', status: 'SUCCESS', result: 1 }, { id: 'b', status: 'SUCCESS', result: 2 }] });
    expect((await good.results.ended(member, { kind: 'succeeded', value: 2 }, uuidFor))?.followUps.map(({ name }) => name)).toEqual(['xsum']);
    const bad = start({ kind: 'mine', isShaped: false, sent, parts: [{ id: 'a', status: 'FAILURE', result: celeryError('TypeError', 'no') }, { id: 'b', status: 'SUCCESS', result: 2 }] });
    expect((await bad.results.ended(member, { kind: 'succeeded', value: 2 }, uuidFor))?.followUps).toEqual([]);
    expect(bad.written.get('00000000-0000-4000-8000-000000000011')).toMatchObject({ status: 'FAILURE', result: { exc_type: 'ChordError', exc_message: ['Dependency a raised TypeError("no")'] } });
  });

  it('that has no JSON is null, and a warning says so', async () => {
    const { results, written, warnings } = start();
    const within: unknown[] = [];
    within.push(within);
    await results.ended(member, { kind: 'succeeded', value: within }, uuidFor);
    expect(written.get(member.uuid)).toMatchObject({ status: 'SUCCESS', result: null });
    expect(warnings).toHaveLength(1);
  });
});
