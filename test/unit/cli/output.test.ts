import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { fromJson, toJson } from '../../../lib/cli/output/json.js';
import { Lines } from '../../../lib/cli/output/lines.js';
import { Progress } from '../../../lib/cli/output/progress.js';
import { age, counted, fields, printable, printableLines, shortened, table } from '../../../lib/cli/output/text.js';
import { BrokerError } from '../../../lib/errors.js';
import { Secret } from '../../../lib/urls/secret.js';

describe('what the command line prints as JSON', () => {
  it('is exact for integers of any size', () => {
    const text = toJson({ low: -(2n ** 63n), high: 2n ** 64n - 1n, plain: 3 });
    expect(text).toBe('{"low":-9223372036854775808,"high":18446744073709551615,"plain":3}');
    expect(fromJson(text)).toEqual({ low: -(2n ** 63n), high: 2n ** 64n - 1n, plain: 3 });
  });

  it('has instants as ISO 8601, bytes as base64, errors as data, and nothing that is undefined', () => {
    expect(toJson({
      at: new Date(0), never: new Date(Number.NaN), body: Buffer.from('hi'), gone: undefined, list: [undefined, 1],
      error: new BrokerError('ERR_X', 'said no', { queue: 'q' }), other: new TypeError('oops'), run: () => 1,
    })).toBe('{"at":"1970-01-01T00:00:00.000Z","never":null,"body":"aGk=","list":[null,1],"error":{"code":"ERR_X","message":"said no","fields":{"queue":"q"}},"other":{"message":"oops"}}');
  });

  it('has no secret', () => {
    expect(toJson({ broker: new Secret('amqp://a:geheim@b/') })).not.toContain('geheim');
  });
});

describe('what the command line prints for people', () => {
  it('is harmless to a terminal, whatever a task is called', () => {
    expect(printable('a\u001b[2Jb\r\u202Ec\nd')).toBe('a\\u001b[2Jb\\u000d\\u202ec d');
    expect(printableLines('a\nb\u0007\tc')).toBe('a\nb\\u0007  c');
  });

  it('stands in columns, numbers to the right', () => {
    expect(table(['NAME', 'COUNT', 'AT'], [['a', 5, new Date(0)], ['long', 1000, undefined]])).toBe([
      'NAME  COUNT  AT', 'a         5  1970-01-01T00:00:00.000Z', 'long   1000  -',
    ].join('\n'));
  });

  it('leaves out what is unknown, shortens what is long, and counts', () => {
    expect(fields([['id', 'x'], ['gone', undefined], ['name', 5]])).toBe('id:   x\nname: 5');
    expect(shortened('x'.repeat(50), 10)).toBe('xxxxxxx...');
    expect([counted(1, 'task'), counted(0, 'task')]).toEqual(['1 task', '0 tasks']);
  });
});

describe('a duration', () => {
  it.each([[0, '0 ms'], [999, '999 ms'], [12_000, '12 s'], [119_000, '119 s'], [300_000, '5 min'], [10_800_000, '3 h'], [259_200_000, '3 d']])('of %d ms is %s', (milliseconds, text) => {
    expect(age(milliseconds)).toBe(text);
  });
});

describe('the bar of long work', () => {
  it('is shown on a terminal only, and taken away at the end', () => {
    const written: string[] = [];
    const at = (isTTY: boolean): Progress => new Progress({ isTTY, write: (text: string) => { written.push(text); return true; } } as unknown as NodeJS.WriteStream, 'moving', 4, () => written.length * 1000);
    const silent = at(false);
    silent.add();
    silent.end();
    expect(written).toEqual([]);
    const bar = at(true);
    bar.add(2);
    expect(written.at(-1)).toContain('moving [###############...............] 50% 2/4');
    bar.end();
    expect(written.at(-1)).toBe('\r\u001b[2K');
  });

  it('knows no share of what has no end', () => {
    expect(new Progress({ write: () => true } as unknown as NodeJS.WriteStream, 'reading', undefined).line()).toBe('reading 0');
  });
});

describe('lines that come by themselves', () => {
  it('are printed in order, and of those that nobody reads fast enough a bounded number is kept', async () => {
    const texts: string[] = [];
    const waiting: (() => void)[] = [];
    const stdout = new Writable({ write: (text: Buffer, _encoding, done) => { texts.push(text.toString()); waiting.push(() => done()); } });
    const lines = new Lines(stdout);
    for (let index = 0; index < 6_000; index++) lines.add(String(index));
    expect(lines.dropped).toBeGreaterThan(900);
    let isDone = false;
    const done = lines.done().then(() => { isDone = true; });
    while (!isDone) {
      waiting.shift()?.();
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    await done;
    expect(texts.join('')).toBe(Array.from({ length: 6_000 - lines.dropped }, (_, index) => `${index}\n`).join(''));
    const again = lines.done();
    await expect(again).resolves.toBeUndefined();
  });

  it('fail where they cannot be written', async () => {
    const stdout = new Writable({ write: (_text, _encoding, done) => done(new Error('no space')) });
    stdout.on('error', () => undefined);
    const lines = new Lines(stdout);
    lines.add('a');
    await expect(lines.done()).rejects.toThrow('no space');
  });
});
