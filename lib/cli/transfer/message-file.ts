import { closeSync, existsSync, fdatasync, ftruncateSync, fsyncSync, openSync, statSync, write } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { RefusedError } from '../failures.js';
import { readLines } from './lines.js';
import { decodeHead, decodeMessage, encodeHead, encodeMessage, type FileHead, identityOf, type MovedMessage } from './message-line.js';

const writeBytes = promisify(write);
const flush = promisify(fdatasync);

/**
 * A file that messages are appended to. What {@link add} has resolved for is on the disk; whoever died meanwhile goes on
 * in the same file, and what was written but not taken from its queue any more is not written twice.
 */
export class MessageFile {
  private waiting: { readonly text: string; readonly done: () => void; readonly failed: (error: unknown) => void }[] = [];
  private writing: Promise<void> | undefined;
  private failure: Error | undefined;

  private constructor(private readonly descriptor: number, private length: number, private readonly written: Map<string, number>) {}

  /**
   * @throws RefusedError where there is a file, and it is of another queue, or must not be gone on with
   * @throws UsageError where it is no such file
   */
  static async open(path: string, head: Omit<FileHead, 'nestjsDispatcher' | 'version'>, goOn: boolean): Promise<MessageFile> {
    const isThere = existsSync(path) && statSync(path).size > 0;
    if (isThere && !goOn) throw new RefusedError(`${path} is there already. Take another name, or go on with what was begun by --resume.`, { file: path });
    const descriptor = openSync(path, isThere ? 'r+' : 'w+');
    const file = isThere ? await MessageFile.goOn(descriptor, path, head) : new MessageFile(descriptor, 0, new Map());
    if (!isThere) {
      await file.append(encodeHead(head));
      syncFolder(path);
    }
    return file;
  }

  /** Resolves when it is on the disk. False: it was there already. */
  async add(message: MovedMessage): Promise<boolean> {
    if (this.isWritten(message)) return false;
    await this.append(encodeMessage(message));
    return true;
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private static async goOn(descriptor: number, path: string, head: Omit<FileHead, 'nestjsDispatcher' | 'version'>): Promise<MessageFile> {
    const written = new Map<string, number>();
    let length = 0;
    for await (const { text, end, number } of readLines(path)) {
      if (number === 1) refuseOther(decodeHead(text, path), head, path);
      else note(written, decodeMessage(text, path, number));
      length = end;
    }
    // A line that was begun when its writer died, and whose message is in its queue still.
    ftruncateSync(descriptor, length);
    // What whoever died had written need not be on the disk yet, and is removed from its queue on the strength of it.
    fsyncSync(descriptor);
    return new MessageFile(descriptor, length, written);
  }

  /** What has no identity may be alike, and be another all the same. */
  private isWritten(message: MovedMessage): boolean {
    if (this.written.size === 0 || !isTask(message)) return false;
    const key = identityOf(message);
    const left = this.written.get(key) ?? 0;
    if (left === 1) this.written.delete(key);
    else if (left > 1) this.written.set(key, left - 1);
    return left > 0;
  }

  private append(text: string): Promise<void> {
    return new Promise((done, failed) => {
      if (this.failure !== undefined) return failed(this.failure);
      this.waiting.push({ text, done, failed });
      this.writing ??= this.writeWaiting().finally(() => { this.writing = undefined; });
    });
  }

  /** What came while the disk was busy goes together. */
  private async writeWaiting(): Promise<void> {
    // So that a whole batch of a queue is one write.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        const bytes = Buffer.from(batch.map(({ text }) => text).join(''));
        for (let at = 0; at < bytes.length;) at += (await writeBytes(this.descriptor, bytes, at, bytes.length - at, this.length + at)).bytesWritten;
        await flush(this.descriptor);
        this.length += bytes.length;
        for (const { done } of batch) done();
      } catch (error) {
        // What follows would be written over a part of it: nothing is, until somebody opens the file anew and looks.
        this.failure = error as Error;
        for (const { failed } of [...batch, ...this.waiting.splice(0)]) failed(error);
      }
    }
  }
}

function refuseOther(found: FileHead, wanted: Omit<FileHead, 'nestjsDispatcher' | 'version'>, path: string): void {
  const { exchange, queue, dead } = found;
  if (exchange === wanted.exchange && queue === wanted.queue && dead === wanted.dead) return;
  throw new RefusedError(`${path} has ${dead ? 'dead letters' : 'tasks'} of the queue "${queue}" of the exchange "${exchange}", and is not mixed with others. Take another name.`, { file: path });
}

function isTask({ properties }: MovedMessage): boolean {
  return properties.messageId !== undefined && properties.messageId !== '';
}

function note(written: Map<string, number>, message: MovedMessage): void {
  if (isTask(message)) written.set(identityOf(message), (written.get(identityOf(message)) ?? 0) + 1);
}

/** The name of a new file is on the disk only with its folder. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
