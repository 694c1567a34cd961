import { createReadStream } from 'node:fs';

export interface FileLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** Where the next one begins, in bytes. */
  readonly end: number;
}

const NEWLINE = 0x0a;

/** The whole lines of a file, of whatever size; one that does not end is left out. */
export async function* readLines(path: string, from = 0): AsyncGenerator<FileLine> {
  let rest: Buffer[] = [];
  let number = 0;
  let end = from;
  for await (const chunk of createReadStream(path, { start: from })) {
    const bytes = chunk as Buffer;
    let start = 0;
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...rest, bytes.subarray(start, at)]);
      rest = [];
      start = at + 1;
      end += line.length + 1;
      yield { text: line.toString(), number: ++number, end };
    }
    if (start < bytes.length) rest.push(bytes.subarray(start));
  }
}
