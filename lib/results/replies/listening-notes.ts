import type { Broker } from '../../brokers/broker.js';
import { listeningMessage, type ListeningNote } from './listening-note.js';

/** While a broker takes nothing, reports go on coming in: notes about them must not fill up the room for tasks. */
const MOST_ON_THEIR_WAY = 1_000;

/**
 * Tells workers who listens. One that does not arrive is no harm: progress that still comes asks for the next one, and
 * what a worker was told does not hold for long. So nothing waits for a note, and nothing is said of one that is lost.
 */
export class ListeningNotes {
  private onTheirWay = 0;

  constructor(private readonly broker: Pick<Broker, 'publish'>) {}

  /** @param worker its address */
  send(worker: string, note: ListeningNote): void {
    if (this.onTheirWay >= MOST_ON_THEIR_WAY) return;
    this.onTheirWay++;
    this.broker.publish(listeningMessage(note), { queue: worker }).catch(() => undefined).finally(() => { this.onTheirWay--; });
  }
}
