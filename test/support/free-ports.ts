import { createServer, type AddressInfo } from 'node:net';
import { firstOf, type Tuple } from './present.js';

/**
 * Ports that nobody uses now. All are held until the last one is known, so that no two are the same;
 * somebody else may still take one before it is used, which the caller then sees as a failed start.
 */
export async function freePorts<Count extends number>(count: Count): Promise<Tuple<number, Count>> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return firstOf(ports, count);
}

function listen(): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
