import { TcpProxy } from '../../support/tcp-proxy.js';
import { Conversation, type WireEvent } from './conversation.js';

/** Something that passed, and by whose line. */
export type Recorded = WireEvent & { readonly process: string };

/**
 * Records what passes between processes and a server, each process by a line of its own. What a client says is written down
 * before the server can hear it, and the other way round: so whatever follows from something stands after it.
 */
export class Recorder {
  readonly events: Recorded[] = [];
  private readonly proxies: TcpProxy[] = [];
  private links = 0;

  constructor(private readonly url: string) {}

  /** The URL for a process of this name. */
  async line(process: string): Promise<{ url: string; proxy: TcpProxy }> {
    const { proxy, url } = await TcpProxy.before(this.url);
    proxy.listen = () => new Conversation(`${process}.${++this.links}`, (event) => { this.events.push({ ...event, process }); });
    this.proxies.push(proxy);
    return { url, proxy };
  }

  async close(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
  }
}
