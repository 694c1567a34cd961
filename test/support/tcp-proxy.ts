import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pause } from './wait.js';

/**
 * `pass`: as if it were not there. `freeze`: a half-open connection, nothing is forwarded and nothing
 * is closed; new connections are accepted and stay silent. `reset`: every connection, open or new, is
 * cut with a RST. `refuse`: new connections are reset, open ones live on. `slow`: small slices with a
 * pause before each.
 */
export type ProxyMode = 'pass' | 'freeze' | 'reset' | 'refuse' | 'slow';

export interface SlowOptions {
  /** Bytes forwarded at once. Default: 64. */
  sliceBytes?: number;
  /** Milliseconds before each slice. Default: 5. */
  delayMs?: number;
}

/** Hears what passes, before it is passed on, so that whatever follows from it comes later. */
export interface Listener {
  client(data: Buffer): void;
  server(data: Buffer): void;
  /** Called once, before the other end can know. */
  closed(): void;
}

/** A TCP relay that misbehaves on command. */
export class TcpProxy {
  private mode: ProxyMode = 'pass';
  private slow: Required<SlowOptions> = { sliceBytes: 64, delayMs: 5 };
  private readonly links = new Set<Link>();
  private thaw: (() => void)[] = [];
  /** Makes one for each connection; for tests that look at what is said. */
  listen: (() => Listener) | undefined;

  private constructor(private readonly server: Server, private readonly target: { host: string; port: number }) {
    server.on('connection', (socket) => this.accept(socket));
  }

  static async start(target: { host?: string; port: number }): Promise<TcpProxy> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    const proxy = new TcpProxy(server, { host: target.host ?? '127.0.0.1', port: target.port });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  /** A relay before the server of this URL, and the URL that leads through it. */
  static async before(url: string): Promise<{ proxy: TcpProxy; url: string }> {
    const parsed = new URL(url);
    const proxy = await TcpProxy.start({ host: parsed.hostname, port: Number(parsed.port || 5672) });
    parsed.hostname = '127.0.0.1';
    parsed.port = String(proxy.port);
    return { proxy, url: parsed.href };
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** How many connections are open through it now. */
  get connections(): number {
    return this.links.size;
  }

  set(mode: ProxyMode, slow: SlowOptions = {}): void {
    this.mode = mode;
    this.slow = { sliceBytes: 64, delayMs: 5, ...slow };
    if (mode === 'reset') for (const link of [...this.links]) link.reset();
    if (mode !== 'freeze') {
      for (const go of this.thaw.splice(0)) go();
    }
  }

  /** Cuts every open connection; new ones are served as the mode says. */
  resetAll(): void {
    for (const link of [...this.links]) link.reset();
  }

  async close(): Promise<void> {
    this.set('reset');
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(client: Socket): void {
    if (this.mode === 'reset' || this.mode === 'refuse') {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...this.target, noDelay: true, allowHalfOpen: true });
    const link: Link = new Link(client, upstream, (to, data) => this.forward(to, data), () => void this.failed(link), this.listen?.());
    this.links.add(link);
    link.onClosed = () => this.links.delete(link);
  }

  /** A frozen line does not say either that its other end is gone. */
  private async failed(link: Link): Promise<void> {
    if (this.mode === 'freeze') await new Promise<void>((resolve) => this.thaw.push(resolve));
    link.reset();
  }

  private async forward(to: Socket, data: Buffer): Promise<void> {
    if (this.mode === 'freeze') await new Promise<void>((resolve) => this.thaw.push(resolve));
    if (this.mode !== 'slow') return send(to, data);
    for (let start = 0; start < data.length; start += this.slow.sliceBytes) {
      await pause(this.slow.delayMs);
      await send(to, data.subarray(start, start + this.slow.sliceBytes));
    }
  }
}

type Forward = (to: Socket, data: Buffer) => Promise<void>;

/** One connection: two sockets, each read only after what it said before has been passed on. */
class Link {
  onClosed: () => void = () => undefined;

  private isOver = false;

  constructor(private readonly client: Socket, private readonly upstream: Socket, forward: Forward, private readonly onFailure: () => void, private readonly listener?: Listener) {
    this.relay(client, upstream, forward, (data) => listener?.client(data));
    this.relay(upstream, client, forward, (data) => listener?.server(data));
  }

  reset(): void {
    this.over();
    for (const socket of [this.client, this.upstream]) {
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
    this.onClosed();
  }

  private over(): void {
    if (!this.isOver) this.listener?.closed();
    this.isOver = true;
  }

  private relay(from: Socket, to: Socket, forward: Forward, heard: (data: Buffer) => void): void {
    let chain = Promise.resolve();
    from.on('data', (data) => {
      from.pause();
      chain = chain.then(() => {
        if (!this.isOver) heard(data);
        return forward(to, data);
      }).then(() => { from.resume(); });
    });
    from.on('end', () => {
      chain = chain.then(() => forward(to, Buffer.alloc(0))).then(() => {
        this.over();
        to.end();
      });
    });
    from.on('error', this.onFailure);
    from.on('close', () => {
      if (this.client.destroyed && this.upstream.destroyed) this.onClosed();
    });
  }
}

function send(to: Socket, data: Buffer): Promise<void> {
  if (data.length === 0 || !to.writable) return Promise.resolve();
  return new Promise((resolve) => { to.write(data, () => resolve()); });
}
