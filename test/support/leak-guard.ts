import { Socket } from 'node:net';
import { afterAll } from 'vitest';
import { killRunning } from './processes.js';
import { eventually } from './wait.js';

/**
 * What a test file may not leave open. Vitest itself has none of these open in a worker (its own
 * timers are unreferenced); pipes are missing because it talks to its workers by them.
 */
const GUARDED = new Set(['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'ProcessWrap', 'FSEventWrap', 'StatWatcher', 'Timeout']);

/** A file whose tests left a process, a socket, a server or a timer behind fails. */
afterAll(async () => {
  const leakedProcesses = killRunning();
  if (leakedProcesses.length > 0) {
    throw new Error(`The tests of this file left processes running: ${leakedProcesses.join('; ')}. Stop each in its test.`);
  }
  // Sockets close a moment after they were told to.
  await eventually(openResources, (open) => open.length === 0, 'everything to be closed', { limitMs: 5000 }).catch(() => {
    throw new Error(`The tests of this file left open: ${openResources().join(', ')}. Close what they opened.`);
  });
});

function openResources(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => GUARDED.has(kind) && (kind !== 'TCPSocketWrap' || hasOpenSocket()));
}

/**
 * A socket that was destroyed in the midst of a write, as a proxy's is that stopped forwarding, stays in Node's list on
 * a busy machine though it is closed. Only Node's internal list of handles says which are.
 */
function hasOpenSocket(): boolean {
  const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
  return handles.some((handle) => handle instanceof Socket && !handle.destroyed && handle.remotePort !== undefined);
}
