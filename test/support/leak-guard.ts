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
/** What a file before this one left open in this process, it was told then. */
const before = countsOf(openResources());

/** A file whose tests left a process, a socket, a server or a timer behind fails. */
afterAll(async () => {
  const leakedProcesses = killRunning();
  if (leakedProcesses.length > 0) {
    throw new Error(`The tests of this file left processes running: ${leakedProcesses.join('; ')}. Stop each in its test.`);
  }
  // Sockets close a moment after they were told to.
  await eventually(leftOpen, (open) => open.length === 0, 'everything to be closed', { limitMs: 5000 }).catch(() => {
    throw new Error(`The tests of this file left open: ${leftOpen().join(', ')}. Close what they opened.${openTimers().map((from) => `\nA timer of ${from}`).join('')}`);
  });
});

/** By kind: whatever there is more of than when the file began. */
function leftOpen(): string[] {
  return Object.entries(countsOf(openResources())).flatMap(([kind, count]) => Array<string>(Math.max(0, count - (before[kind] ?? 0))).fill(kind));
}

function countsOf(kinds: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function openResources(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => GUARDED.has(kind) && (kind !== 'TCPSocketWrap' || openSockets().length > 0));
}
