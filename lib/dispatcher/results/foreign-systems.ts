import type { EventSink } from '../../events/dispatcher-event.js';
import type { FollowUp } from '../../formats/format.js';
import { createForeignResults, type ForeignResultsSurroundings } from '../../foreign/create-foreign-results.js';
import type { ForeignResults } from '../../foreign/foreign-results.js';
import type { ResolvedForeignResults } from '../config/foreign-results-config.js';

/** The stores of other systems that this dispatcher tells of tasks, and reads. Each is opened when it is first needed. */
export class ForeignSystems {
  private readonly byFormat = new Map<string, ForeignResults>();

  constructor(sources: readonly ResolvedForeignResults[], surroundings: Omit<ForeignResultsSurroundings, 'emit'> & { readonly emit: EventSink }) {
    for (const { format, url, expiresInMs } of sources) {
      this.byFormat.set(format, createForeignResults({ format, url: url.reveal(), expiresInMs }, surroundings));
    }
  }

  get all(): readonly ForeignResults[] {
    return [...this.byFormat.values()];
  }

  of(format: string): ForeignResults | undefined {
    return this.byFormat.size === 0 ? undefined : this.byFormat.get(format);
  }

  /** Before a task is sent that follows another. Its answer goes to whoever waits for that one, and not to this process. */
  async announce(format: string, { name, message }: FollowUp): Promise<void> {
    const { messageId: uuid } = message.properties;
    if (uuid !== undefined) await this.of(format)?.sending({ uuid, name });
  }

  async close(deadlineMs: number): Promise<void> {
    await Promise.all(this.all.map((results) => results.close(deadlineMs)));
  }
}
