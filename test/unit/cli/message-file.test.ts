import { appendFileSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RefusedError, UsageError } from '../../../lib/cli/failures.js';
import { FileImport } from '../../../lib/cli/transfer/import-file.js';
import { readLines } from '../../../lib/cli/transfer/lines.js';
import { MessageFile } from '../../../lib/cli/transfer/message-file.js';
import { decodeMessage, encodeMessage, type MovedMessage } from '../../../lib/cli/transfer/message-line.js';
import type { QueueTarget } from '../../../lib/cli/transfer/queue-target.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

const HEAD = { exchange: 'x', queue: 'q', dead: false, exportedAt: 'now' };
const message = (id: string | undefined, body = id ?? 'none'): MovedMessage => ({ queue: 'q', body: Buffer.from(body), properties: id === undefined ? {} : { messageId: id, headers: { tenant: 7 } } });

describe('a file of messages', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = temporaryFolder('message-file');
    file = join(folder, 'f.jsonl');
  });
  afterEach(() => removeFolder(folder));

  const write = async (goOn: boolean, ...messages: MovedMessage[]): Promise<boolean[]> => {
    const opened = await MessageFile.open(file, HEAD, goOn);
    return Promise.all(messages.map((one) => opened.add(one))).finally(() => opened.close());
  };
  const lines = (): string[] => readFileSync(file, 'utf8').split('\n').slice(1, -1);

  it('keeps bytes and properties', () => {
    const exact: MovedMessage = { queue: 'q', body: Buffer.from([0, 255, 10]), properties: { messageId: 'm', timestamp: 5, headers: { a: [1.5, { b: null }], big: 9007199254740993n as unknown as number } } };
    expect(decodeMessage(encodeMessage(exact).trimEnd(), file, 1)).toEqual(exact);
  });

  it('is gone on with: what is in it is not written again, what was begun is', async () => {
    expect(await write(false, message('a'), message('b'), message('c'))).toEqual([true, true, true]);
    truncateSync(file, readFileSync(file).length - 5);
    expect(lines().length).toBe(2);
    expect(await write(true, message('b'), message('c'), message('d'), message('b'))).toEqual([false, true, true, true]);
    expect(lines().map((line) => decodeMessage(line, file, 1).body.toString())).toEqual(['a', 'b', 'c', 'd', 'b']);
  });

  it('takes what has no identity for another, though it is alike', async () => {
    await write(false, message(undefined));
    expect(await write(true, message(undefined))).toEqual([true]);
  });

  it('is neither overwritten nor mixed', async () => {
    await write(false, message('a'));
    await expect(write(false)).rejects.toThrow(RefusedError);
    await expect(MessageFile.open(file, { ...HEAD, queue: 'other' }, true)).rejects.toThrow(/of the queue "q"/);
    const other = join(folder, 'other');
    appendFileSync(other, 'hello\n');
    await expect(MessageFile.open(other, HEAD, true)).rejects.toThrow(UsageError);
    await expect(FileImport.open(other)).rejects.toThrow(/is no file of `export`/);
  });

  it('is read in lines, whatever the chunks are', async () => {
    const long = 'x'.repeat(200_000);
    appendFileSync(file, `a\n${long}\n\nlast`);
    const read = [];
    for await (const { text, number, end } of readLines(file)) read.push([text.length, number, end]);
    expect(read).toEqual([[1, 1, 2], [200_000, 2, 200_003], [0, 3, 200_004]]);
  });

  describe('that is imported', () => {
    const place = { exchange: 'x', queue: 'q' };
    const options = (goOn = false): Parameters<FileImport['into']>[2] => ({ goOn, signal: new AbortController().signal, onImported: () => undefined });
    const target = (put: string[], fails: (body: string) => boolean = () => false): QueueTarget => ({
      add: ({ body }: MovedMessage) => {
        if (fails(body.toString())) return Promise.reject(new Error('refused'));
        put.push(body.toString());
        return Promise.resolve();
      },
    }) as unknown as QueueTarget;

    it('is put there once, and gone on with behind what was confirmed', async () => {
      await write(false, message('a'), message('b'), message('c'));
      const source = await FileImport.open(file);
      expect(await source.count()).toBe(3);
      const put: string[] = [];
      await expect(source.into(target(put, (body) => body === 'b'), place, options())).rejects.toThrow('refused');
      expect(put).toEqual(['a', 'c']);
      await expect(source.into(target(put), place, options())).rejects.toThrow(/Go on with --resume/);
      put.length = 0;
      expect(await source.into(target(put), place, options(true))).toEqual({ imported: 2, before: 1 });
      expect(put).toEqual(['b', 'c']);
      await expect(source.into(target(put), place, options(true))).rejects.toThrow(/already, all 3 of it/);
      await expect(source.into(target(put), { ...place, queue: 'other' }, options(true))).rejects.toThrow(/to put it elsewhere too/);
    });
  });
});
