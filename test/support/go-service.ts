import { afterEach, beforeAll, beforeEach } from 'vitest';
import { removeExchange } from './amqp-clean-up.js';
import { buildGoPeer, type GoPeer } from './go-peer.js';
import { startProcess, type Child } from './processes.js';
import { sharedRabbitMqUrl, uniqueName } from './shared-rabbitmq.js';

/** The two builds of `test/support/go`, for `describe.each`. */
export const GO_KINDS = [
  // The real library, from its module or from a checkout; it says NOT TESTED where there is neither.
  { kind: 'gofort' },
  // A Go peer of our own that keeps to the documented wire format. It proves Go's JSON, not the library.
  { kind: 'stand-in' },
] as const;

export interface GoService {
  readonly url: string;
  /** New ones for each test; removed after it. */
  readonly names: { exchange: string; queue: string; key: string };
  start(command: 'send' | 'count' | 'work', ...flags: string[]): Child;
}

/**
 * A Go service on an exchange, a queue and a key of its own for each test of this `describe`; its tests are
 * skipped where it cannot be built. What a test opens itself, it closes in an `afterEach` registered later,
 * since those run first.
 */
export function useGoService(kind: (typeof GO_KINDS)[number]['kind']): GoService {
  const url = sharedRabbitMqUrl();
  const children: Child[] = [];
  let peer: GoPeer;
  const service = { url, names: { exchange: '', queue: '', key: '' }, start };

  beforeAll(async () => {
    peer = await buildGoPeer(kind);
    if ('unavailable' in peer) console.warn(`NOT TESTED ${kind}: ${peer.unavailable}`);
  }, 300_000);

  beforeEach((context) => {
    if ('unavailable' in peer) context.skip(peer.unavailable);
    service.names = { exchange: uniqueName('go-exchange'), queue: uniqueName('go-queue'), key: uniqueName('go-key') };
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop();
    if (!('unavailable' in peer)) await removeExchange(url, service.names.exchange, [service.names.queue]);
  });

  function start(command: 'send' | 'count' | 'work', ...flags: string[]): Child {
    const { exchange, queue, key } = service.names;
    const child = startProcess((peer as { program: string }).program, ['-url', url, '-exchange', exchange, '-queue', queue, '-key', key, ...flags, command]);
    children.push(child);
    return child;
  }
  return service;
}
