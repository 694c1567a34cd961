/*
 * Guards against gross regressions by counts, not clocks: what one task costs in socket writes, frames,
 * broker operations and bytes of heap, on a RabbitMQ of its own, against the budget in check/budget.json.
 */
import { Signal } from '../test/support/wait.js';
import { allocationsOf } from './check/allocations.js';
import { judge, type Judged } from './check/budget.js';
import { Method } from './check/frame-counter.js';
import { others, perTask, SocketCounter } from './check/socket-counter.js';
import { startRabbit } from './servers/rabbitmq.js';
import { publishAll } from './system/publishing.js';
import { defaults, type Settings } from './system/settings.js';
import { open } from './systems/dispatcher.js';

const TASKS = 3_000;
const LIMIT_MS = 30_000;

async function main(): Promise<void> {
  // Exiting runs the handlers that end the server.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const server = await startRabbit();
  const settings: Settings = { ...defaults, role: 'both', server: server.url, prefix: 'check' };
  try {
    report(judge(await count(settings, new SocketCounter(Number(new URL(server.url).port)))));
  } finally {
    await server.stop();
  }
}

/** What belongs to a broker, a result backend or an option that is not in use; a native library among them costs 11 MiB. */
const DRIVERS = ['lmdb', '@redis/client', 'mongodb', 'memcache-client', 'piscina'];

function driversLoaded(): string[] {
  const files = Object.keys(require.cache);
  return DRIVERS.filter((name) => files.some((file) => file.includes(`/node_modules/${name}/`)));
}

/** Publishes into queues that nobody consumes, then consumes them, then does both at once. */
async function count(settings: Settings, sockets: SocketCounter): Promise<Record<string, number>> {
  let left = TASKS;
  let finished = new Signal();
  const system = await open(settings, () => void (--left === 0 && finished.fire()));
  try {
    // The first tasks compile the code; they are consumed with those that count.
    await publishAll(system, settings, TASKS / 2);
    const atStart = sockets.read();
    const publishing = await allocationsOf(() => publishAll(system, settings, TASKS / 2));
    const published = sockets.read();
    const sent = perTask(atStart, published, TASKS / 2);

    await system.consume!();
    await finished.within(LIMIT_MS, `${TASKS} tasks to run; ${left} are left`);
    const consumed = perTask(published, sockets.read(), TASKS);

    const again = async (): Promise<void> => {
      left = TASKS;
      finished = new Signal();
      await publishAll(system, settings, TASKS);
      await finished.within(LIMIT_MS, `${TASKS} tasks to run; ${left} are left`);
    };
    await again();
    const beforeBoth = sockets.read();
    const both = await allocationsOf(again);
    const endToEnd = perTask(beforeBoth, sockets.read(), TASKS);
    return {
      'drivers loaded that nobody asked for': driversLoaded().length,
      'publish: socket writes per task': sent.writes,
      'publish: frames per task': sent.frames,
      'publish: basic.publish per task': sent.method(Method.publish),
      'publish: other operations in all': others(atStart, published, [Method.publish]),
      'publish: bytes allocated per task': publishing.allocated / (TASKS / 2),
      'publish: bytes retained per task': publishing.retained / (TASKS / 2),
      'consume: socket writes per task': consumed.writes,
      'consume: frames per task': consumed.frames,
      'consume: basic.ack per task': consumed.method(Method.ack),
      'end to end: socket writes per task': endToEnd.writes,
      'end to end: frames per task': endToEnd.frames,
      'end to end: bytes allocated per task': both.allocated / TASKS,
      'end to end: bytes retained per task': both.retained / TASKS,
    };
  } finally {
    await system.close();
  }
}

function report(judged: readonly Judged[]): void {
  const width = Math.max(...judged.map(({ name }) => name.length));
  for (const { name, value, most, over } of judged) {
    console.log(`${name.padEnd(width)}  ${value.toFixed(3).padStart(12)}  of at most ${String(most).padStart(8)}${over ? '  OVER BUDGET' : ''}`);
  }
  const failed = judged.filter(({ over }) => over).length;
  console.log(`\n${judged.length - failed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
