import { createReadStream } from 'node:fs';

export interface FileCount {
  words: number;
  lines: number;
  bytes: number;
}

const WORD = /\S+/g;
const LINE_END = /\n/g;

/** As `wc` counts: a word is whatever stands between white space. Reads piece by piece, so size does not matter. */
export async function countWordsInFile(path: string, signal?: AbortSignal): Promise<FileCount> {
  const stream = createReadStream(path, { encoding: 'utf8', signal });
  let words = 0;
  let lines = 0;
  let endedInsideWord = false;
  for await (const piece of stream as AsyncIterable<string>) {
    words += matches(piece, WORD);
    // A word cut in two by the border between pieces has been counted twice.
    if (endedInsideWord && /^\S/.test(piece)) words--;
    endedInsideWord = /\S$/.test(piece);
    lines += matches(piece, LINE_END);
  }
  return { words, lines, bytes: stream.bytesRead };
}

function matches(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
