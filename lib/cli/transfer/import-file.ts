import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { RefusedError } from '../failures.js';
import { fromJson, toJson } from '../output/json.js';
import { type FileLine, readLines } from './lines.js';
import { decodeHead, decodeMessage, type FileHead } from './message-line.js';
import type { QueueTarget } from './queue-target.js';

/** What has been put into its queue, beside the file: so that nothing of it is put there again. */
interface Note {
  readonly exchange: string;
  readonly queue: string;
  /** Of the file: everything before it is confirmed. */
  readonly bytes: number;
  readonly messages: number;
  readonly done: boolean;
}

const BATCH = 500;
const BATCH_BYTES = 8 * 1024 * 1024;

export interface Imported {
  /** By this call. */
  readonly imported: number;
  /** By earlier ones. */
  readonly before: number;
}

/** How a file is put into a queue: each message confirmed before it is noted. */
export class FileImport {
  private constructor(private readonly file: string, readonly head: FileHead, private readonly headEnd: number) {}

  /** @throws UsageError for what is no such file */
  static async open(file: string): Promise<FileImport> {
    for await (const { text, end } of readLines(file)) return new FileImport(file, decodeHead(text, file), end);
    return new FileImport(file, decodeHead('', file), 0);
  }

  async count(): Promise<number> {
    let lines = -1;
    for await (const { number } of readLines(this.file)) lines = number - 1;
    return Math.max(0, lines);
  }

  /** @throws RefusedError where it was imported before, or begun and nobody has said to go on */
  async into(target: QueueTarget, place: Pick<Note, 'exchange' | 'queue'>, { goOn, signal, onImported }: { goOn: boolean; signal: AbortSignal; onImported: (count: number) => void }): Promise<Imported> {
    const begun = this.begun(place, goOn);
    let { bytes, messages } = begun;
    onImported(messages);
    for await (const lines of batches(readLines(this.file, bytes))) {
      signal.throwIfAborted();
      const outcomes = await Promise.allSettled(lines.map(async ({ text, number }) => target.add(decodeMessage(text, this.file, number))));
      const failed = outcomes.findIndex(({ status }) => status === 'rejected');
      const certain = lines.slice(0, failed === -1 ? lines.length : failed);
      bytes = certain.at(-1)?.end ?? bytes;
      messages += certain.length;
      this.note({ ...place, bytes, messages, done: false });
      onImported(certain.length);
      if (failed !== -1) throw (outcomes[failed] as PromiseRejectedResult).reason;
    }
    this.note({ ...place, bytes, messages, done: true });
    return { imported: messages - begun.messages, before: begun.messages };
  }

  private begun(place: Pick<Note, 'exchange' | 'queue'>, goOn: boolean): Pick<Note, 'bytes' | 'messages'> {
    if (!existsSync(this.notes)) return { bytes: this.headEnd, messages: 0 };
    const note = fromJson(readFileSync(this.notes, 'utf8')) as Note;
    const where = `the queue "${note.queue}" of the exchange "${note.exchange}"`;
    if (note.exchange !== place.exchange || note.queue !== place.queue) {
      throw new RefusedError(`${this.file} was put into ${where} before. Remove ${this.notes} to put it elsewhere too.`, { file: this.file });
    }
    if (note.done) throw new RefusedError(`${this.file} was put into ${where} already, all ${note.messages} of it. Remove ${this.notes} to do it once more.`, { file: this.file });
    if (!goOn) throw new RefusedError(`${this.file} was begun to be put into ${where}: ${note.messages} are there. Go on with --resume.`, { file: this.file });
    return note;
  }

  private get notes(): string {
    return `${this.file}.imported`;
  }

  /** Whole or not at all, whatever dies. */
  private note(note: Note): void {
    const draft = `${this.notes}.${process.pid}`;
    writeFileSync(draft, `${toJson(note)}\n`);
    const descriptor = openSync(draft, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(draft, this.notes);
  }
}

async function* batches(lines: AsyncIterable<FileLine>): AsyncGenerator<FileLine[]> {
  let batch: FileLine[] = [];
  let bytes = 0;
  for await (const line of lines) {
    batch.push(line);
    bytes += line.text.length;
    if (batch.length < BATCH && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
