import { randomUUID } from 'node:crypto';
import type { Broker } from '../brokers/broker.js';

export interface NoteForm<Note> {
  readonly encode: (note: Note) => Buffer;
  /** `undefined` for what is none: somebody else's message, or a newer version's. */
  readonly decode: (body: Buffer) => Note | undefined;
  /** Of two notes with the same one, the newer counts. */
  readonly keyOf: (note: Note) => string;
}

/**
 * Notes that all processes of an exchange see, as messages of one durable queue that nobody consumes: the newest of a key
 * counting. They outlive every process.
 */
export class NoteRegister<Note> {
  constructor(private readonly broker: Broker, private readonly queue: string, private readonly form: NoteForm<Note>) {}

  /** The oldest key first. */
  async read(): Promise<Note[]> {
    if (!await this.exists()) return [];
    const notes = new Map<string, Note>();
    await this.broker.browse(this.queue, ({ body }) => {
      const note = this.form.decode(body);
      if (note !== undefined) notes.set(this.form.keyOf(note), note);
      return 'keep';
    });
    return [...notes.values()];
  }

  /** The new note first, the old ones after it: a crash in between leaves both, and the newer one counts. */
  async write(note: Note): Promise<void> {
    await this.broker.declare({ queues: [{ name: this.queue, purpose: 'dead-letters' }] });
    const id = randomUUID();
    const key = this.form.keyOf(note);
    await this.broker.publish({ body: this.form.encode(note), properties: { contentType: 'application/json', messageId: id } }, { queue: this.queue });
    const older = await this.idsBefore(id, key);
    if (older.size > 0) await this.removeWhere(key, (other) => older.has(other));
  }

  /** Removes the notes of this key. Returns how many there were. */
  async remove(key: string): Promise<number> {
    return await this.exists() ? this.removeWhere(key, () => true) : 0;
  }

  /** By their ids, so that two who write the same at once can never remove each other's; none where a newer note has replaced ours. */
  private async idsBefore(id: string, key: string): Promise<ReadonlySet<string>> {
    const older = new Set<string>();
    let isThere = false;
    await this.broker.browse(this.queue, ({ body, properties: { messageId = '' } }) => {
      isThere ||= messageId === id;
      if (isThere) return 'stop';
      if (this.isOf(key, body)) older.add(messageId);
      return 'keep';
    });
    return isThere ? older : new Set();
  }

  private async removeWhere(key: string, fits: (id: string) => boolean): Promise<number> {
    const { removed } = await this.broker.browse(this.queue, ({ body, properties: { messageId = '' } }) => (this.isOf(key, body) && fits(messageId) ? 'remove' : 'keep'));
    return removed;
  }

  private isOf(key: string, body: Buffer): boolean {
    const note = this.form.decode(body);
    return note !== undefined && this.form.keyOf(note) === key;
  }

  /** The first note makes the queue: who never writes one has none. */
  private async exists(): Promise<boolean> {
    return (await this.broker.depth(this.queue)) !== undefined;
  }
}
