import { afterAll } from 'vitest';
import { killRunning } from './processes.js';
import { openSockets } from './open-sockets.js';
import { followEachTest } from './test-end.js';
import { openTimers, rememberTimers } from './timer-origins.js';
import { eventually } from './wait.js';

/**
 * What a test file may not leave open. Vitest itself has none of these open in a worker (its own
 * timers are unreferenced); pipes are missing because it talks to its workers by them.
 */
const GUARDED = new Set(['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'ProcessWrap', 'FSEventWrap', 'StatWatcher', 'Timeout']);

rememberTimers();
followEachTest();

/** A file whose tests left a process, a socket, a server or a timer behind fails. */
afterAll(async () => {
  const leakedProcesses = killRunning();
  if (leakedProcesses.length > 0) {
    throw new Error(`The tests of this file left processes running: ${leakedProcesses.join('; ')}. Stop each in its test.`);
  }
  // Sockets close a moment after they were told to.
  await eventually(openResources, (open) => open.length === 0, 'everything to be closed', { limitMs: 5000 }).catch(() => {
    throw new Error(`The tests of this file left open: ${openResources().join(', ')}. Close what they opened.${openTimers().map((from) => `\nA timer of ${from}`).join('')}`);
  });
});

function openResources(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => GUARDED.has(kind) && (kind !== 'TCPSocketWrap' || openSockets().length > 0));
}
