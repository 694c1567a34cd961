import { type DispatcherError, TopologyMismatchError } from '../../errors.js';
import type { QueueDeclaration, Topology } from '../broker.js';
import type { RedisSession } from './redis-session.js';
import { DECLARE } from './scripts/publish.js';

type Declared = [name: string, type: string, keys: string[]];

/** What this process has declared, so that it is declared again on a server that has lost it. */
export class TopologyRegister {
  private readonly declared = new Map<string, Declared>();

  constructor(private readonly failed: (error: DispatcherError) => void) {}

  async declare(session: RedisSession, { queues }: Topology): Promise<void> {
    if (queues.length === 0) return;
    const mismatch = await send(session, queues.map(declarationOf));
    if (mismatch !== undefined) throw mismatch;
    for (const [name, type, keys] of queues.map(declarationOf)) {
      const known = this.declared.get(name)?.[2] ?? [];
      this.declared.set(name, [name, type, [...new Set([...known, ...keys])]]);
    }
  }

  /** Whether this process has bound a queue with this key. */
  binds(routingKey: string): boolean {
    return [...this.declared.values()].some(([, , keys]) => keys.includes(routingKey));
  }

  /** Never stands in the way of a connection: it says what is wrong, and the rest goes on. */
  async redeclare(session: RedisSession): Promise<void> {
    if (this.declared.size === 0) return;
    const mismatch = await send(session, [...this.declared.values()]);
    if (mismatch !== undefined) this.failed(mismatch);
  }
}

/** This broker's default is `classic`; a type changes nothing here, but two declarations must mean the same queue. */
function declarationOf({ name, type, bindingKeys = [] }: QueueDeclaration): Declared {
  return [name, type === 'quorum' ? 'quorum' : 'classic', [...bindingKeys]];
}

async function send(session: RedisSession, queues: readonly Declared[]): Promise<TopologyMismatchError | undefined> {
  const [name, found] = await session.call<string[]>(DECLARE, [JSON.stringify(queues)]);
  if (name === undefined) return undefined;
  const expected = queues.find((one) => one[0] === name)?.[1];
  return new TopologyMismatchError(
    `Queue '${name}' exists with type '${found}', but was declared with type '${expected}'. Declare it with type '${found}', or choose another name.`, { queue: name, found, expected });
}
