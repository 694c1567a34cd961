import type { Broker } from '../brokers/broker.js';
import { DispatcherError } from '../errors.js';
import { NoteRegister } from './note-register.js';
import { decodePause, encodePause, type Pause, pauseKey } from './pause.js';

/** A register is for what people do by hand. */
const MOST_PAUSES = 1_000;

export function pauseQueue(exchange: string): string {
  return `${exchange}.control.v1.pauses`;
}

/** The pauses of an exchange. */
export class PauseRegister {
  private readonly notes: NoteRegister<Pause>;

  constructor(broker: Broker, exchange: string) {
    this.notes = new NoteRegister(broker, pauseQueue(exchange), { encode: encodePause, decode: decodePause, keyOf: pauseKey });
  }

  read(): Promise<Pause[]> {
    return this.notes.read();
  }

  async write(pause: Pause): Promise<void> {
    if ((await this.read()).length >= MOST_PAUSES) {
      throw new DispatcherError('ERR_DISPATCHER_TOO_MANY_PAUSES', `${MOST_PAUSES} queues, tasks and workers are paused already; resume some first.`, { limit: MOST_PAUSES });
    }
    await this.notes.write(pause);
  }

  /** Removes the notes of this key. Returns how many there were. */
  remove(key: string): Promise<number> {
    return this.notes.remove(key);
  }
}
