import type { Broker, QueueTypeOption } from '../../brokers/broker.js';
import { lineRegisterOf } from '../../task/queue-lines.js';

/**
 * Which queues stand beside a work queue, as notes in a durable queue `<queue>.lines` that nobody consumes. A
 * process of another version or configuration finds them there: what waits in them is not forgotten when a weight
 * or a level goes. Who has neither, has no such queue.
 */
export class LineRegister {
  constructor(private readonly broker: Broker) {}

  async read(queue: string): Promise<string[]> {
    const register = lineRegisterOf(queue);
    if (await this.broker.depth(register) === undefined) return [];
    const notes = new Set<string>();
    await this.broker.browse(register, ({ body }) => {
      notes.add(body.toString());
      return 'keep';
    });
    return [...notes];
  }

  /** Two processes may write the same note at once: it then stands there twice, and says the same. */
  async add(queue: string, notes: readonly string[], type: QueueTypeOption | undefined): Promise<void> {
    const register = lineRegisterOf(queue);
    await this.broker.declare({ queues: [{ name: register, type, purpose: 'dead-letters' }] });
    for (const note of notes) await this.broker.publish({ body: Buffer.from(note), properties: { contentType: 'text/plain' } }, { queue: register });
  }
}
