import { InvalidTaskError } from '../errors.js';
import { display } from '../task/argument-types.js';
import type { DeadLetter } from './dead-letter.js';

/** The last dead letter of a page: who it was, where, and when it died. */
export interface PageCursor {
  readonly position: number;
  readonly id: string;
  readonly at: number;
}

function encodeCursor({ position, id, at }: DeadLetter): string {
  return Buffer.from(JSON.stringify([position, id, at?.getTime() ?? 0])).toString('base64url');
}

/** @throws InvalidTaskError for what `list` has not given out */
export function decodeCursor(text: string): PageCursor {
  try {
    const [position, id, at] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [unknown, unknown, unknown];
    if (typeof position === 'number' && typeof id === 'string' && typeof at === 'number') return { position, id, at };
  } catch {
    // As below.
  }
  throw new InvalidTaskError(`after is ${display(text)}, which is no place in a list of dead letters. Pass what an earlier page had in "next".`, { after: text });
}

/**
 * Collects one page behind a cursor. While others remove dead letters, those behind move forward but never
 * back: so the cursor's letter stands at its old position or before it, or is gone. Where it is gone, the
 * page begins with the first one that died later.
 */
export class PageCollector {
  letters: DeadLetter[] = [];
  private bytes = 0;
  private found: boolean;
  private fallback = false;
  private more = false;

  constructor(
    private readonly cursor: PageCursor | undefined,
    private readonly limit: number,
    private readonly maxBytes: number,
    private readonly fits: (letter: DeadLetter) => boolean,
  ) {
    this.found = cursor === undefined;
  }

  /** False when the page is complete. */
  add(letter: DeadLetter): boolean {
    if (this.isCursor(letter)) {
      this.found = true;
      this.letters = [];
      this.bytes = 0;
      this.more = false;
      return true;
    }
    if (!this.found && !this.isBehind(letter)) return true;
    if (this.fits(letter)) this.collect(letter);
    return !this.more || this.mayStillFind(letter);
  }

  get next(): string | undefined {
    const last = this.letters.at(-1);
    return this.more && last !== undefined ? encodeCursor(last) : undefined;
  }

  private collect(letter: DeadLetter): void {
    const isFull = this.letters.length >= this.limit || (this.letters.length > 0 && this.bytes + letter.body.length > this.maxBytes);
    this.more ||= isFull;
    if (this.more) return;
    this.letters.push(letter);
    this.bytes += letter.body.length;
  }

  private isCursor({ id, at }: DeadLetter): boolean {
    return !this.found && id === this.cursor?.id && (at?.getTime() ?? 0) === this.cursor.at;
  }

  private isBehind({ at, position }: DeadLetter): boolean {
    const { cursor } = this;
    if (cursor === undefined) return true;
    this.fallback ||= position > cursor.position || (at !== undefined && at.getTime() > cursor.at);
    return this.fallback;
  }

  private mayStillFind({ position }: DeadLetter): boolean {
    return !this.found && this.cursor !== undefined && position < this.cursor.position;
  }
}
