import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { Signal, within } from '../../support/wait.js';

describe('TcpProxy', () => {
  let echo: Server;
  let proxy: TcpProxy;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    echo = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      socket.pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await TcpProxy.start({ port: (echo.address() as AddressInfo).port });
  });

  afterEach(async () => {
    await proxy.close();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await new Promise((resolve) => echo.close(resolve));
  });

  async function client(): Promise<Socket> {
    const socket = connect(proxy.port, '127.0.0.1');
    sockets.add(socket);
    await once(socket, 'connect');
    return socket;
  }

  async function roundTrip(socket: Socket, text: string): Promise<string> {
    let got = '';
    const whole = new Signal();
    const onData = (data: Buffer): void => {
      got += data.toString();
      if (got.length >= text.length) whole.fire();
    };
    socket.on('data', onData);
    socket.write(text);
    await whole.within(5000, 'the echo');
    socket.off('data', onData);
    return got;
  }

  it('passes bytes, whole and in slices', async () => {
    const socket = await client();
    expect(await roundTrip(socket, 'hello')).toBe('hello');
    proxy.set('slow', { sliceBytes: 3, delayMs: 1 });
    expect(await roundTrip(socket, 'a longer sentence')).toBe('a longer sentence');
  });

  it('freezes without closing, and delivers what was held back when it thaws', async () => {
    const socket = await client();
    expect(await roundTrip(socket, 'before')).toBe('before');
    proxy.set('freeze');
    const got = once(socket, 'data') as Promise<[Buffer]>;
    socket.write('held');
    await expect(within(got, 100, 'nothing')).rejects.toThrow('in vain');
    expect(socket.destroyed).toBe(false);
    proxy.set('pass');
    expect((await got)[0].toString()).toBe('held');
  });

  it('cuts open connections and refuses new ones when it resets', async () => {
    const socket = await client();
    await roundTrip(socket, 'before');
    const cut = once(socket, 'close');
    proxy.set('reset');
    await expect(cut).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(proxy.connections).toBe(0);
    proxy.set('pass');
    expect(await roundTrip(await client(), 'again')).toBe('again');
  });
});
