import type { Broker } from '../brokers/broker.js';
import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { NoteRegister } from './note-register.js';
import { type RegisterListener, WatchedRegister } from './watched-register.js';

/** Groups come and go: of more the oldest are forgotten. */
const MOST_NOTES = 1_000;
const LONGEST_TEXT = 2_000;

export function failureNoteQueue(exchange: string): string {
  return `${exchange}.control.v1.failure-notes`;
}

/** What somebody has noted of the failures of one kind. */
export interface KnownNote {
  readonly text: string;
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface StoredNote extends KnownNote {
  /** Of `FailureGroup`. */
  readonly group: string;
}

const keyOf = ({ group }: StoredNote): string => group;

/** The notes on failures of an exchange: read when somebody looks for the first time, and kept up to date from then on. */
export class FailureNotes {
  private readonly register: NoteRegister<StoredNote>;
  private readonly watched: WatchedRegister;
  private watching: Promise<void> | undefined;
  private current: ReadonlyMap<string, KnownNote> = new Map();

  constructor(broker: Broker, exchange: string, listener: RegisterListener) {
    this.register = new NoteRegister(broker, failureNoteQueue(exchange), { encode: (note) => Buffer.from(JSON.stringify(note)), decode, keyOf });
    this.watched = new WatchedRegister(broker, 'What is noted of failures', async () => {
      this.current = new Map((await this.register.read()).map(({ group, ...note }) => [group, note]));
    }, listener);
  }

  /** By their groups; what could be read of them. Never rejects. */
  async known(): Promise<ReadonlyMap<string, KnownNote>> {
    await (this.watching ??= this.watched.watch());
    return this.current;
  }

  /** In place of what was noted of this group before. @throws ConfigurationError for what is no note */
  async write(note: StoredNote): Promise<void> {
    const { group, text } = note;
    checkGroup(group);
    if (typeof text !== 'string' || text === '' || text.length > LONGEST_TEXT) throw new ConfigurationError(`A note on failures must be a text of 1 to ${LONGEST_TEXT} characters; found ${display(text)}.`, { group });
    const notes = await this.register.read();
    const excess = notes.filter((other) => other.group !== group).sort((a, b) => b.at - a.at).slice(MOST_NOTES - 1);
    for (const { group: oldest } of excess) await this.register.remove(oldest);
    await this.register.write(note);
    await this.watched.tell();
  }

  /** False where there was none. @throws ConfigurationError for what is no group */
  async remove(group: string): Promise<boolean> {
    checkGroup(group);
    const removed = await this.register.remove(group);
    await this.watched.tell();
    return removed > 0;
  }

  async has(group: string): Promise<boolean> {
    checkGroup(group);
    return (await this.register.read()).some((note) => note.group === group);
  }

  stop(): Promise<void> {
    return this.watched.stop();
  }
}

/** @throws ConfigurationError */
export function checkGroup(group: unknown): void {
  if (typeof group === 'string' && /^[0-9a-f]{16}$/.test(group)) return;
  throw new ConfigurationError(`A group of failures is named by its id, as inspect.failures() tells it: 16 characters of 0 to 9 and a to f; found ${display(group)}.`, { group });
}

function decode(body: Buffer): StoredNote | undefined {
  try {
    const { group, text, by, at } = JSON.parse(body.toString()) as StoredNote;
    return typeof group === 'string' && typeof text === 'string' && typeof by === 'string' && typeof at === 'number' ? { group, text, by, at } : undefined;
  } catch {
    return undefined;
  }
}
