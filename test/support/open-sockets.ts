import { Socket } from 'node:net';

/**
 * The connected sockets of this process. A socket that was destroyed in the midst of a write, as a proxy's is that
 * stopped forwarding, stays in Node's list on a busy machine though it is closed: it is left out.
 */
export function openSockets(): Socket[] {
  const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
  return handles.filter((handle): handle is Socket => handle instanceof Socket && !handle.destroyed && handle.remotePort !== undefined);
}
