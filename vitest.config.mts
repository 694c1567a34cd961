import { defineConfig } from 'vitest/config';

/**
 * Processes, not threads, for whatever opens sockets or files: each test file ends with its own
 * process, so that what one file leaks cannot help or hurt another.
 */
const onServers = {
  pool: 'forks' as const,
  setupFiles: ['test/support/leak-guard.ts'],
  hookTimeout: 120_000,
  // Real servers on a busy machine: what fails is tried once more, and the report says so ("retry x1").
  retry: 1,
};

/**
 * Two files at a time: most of what they do is to wait, for a delay, a lease, a reconnect. They share one RabbitMQ, with names
 * of their own, and count nothing that belongs to all of it. (Four at a time take as long on two cores, and get in each other's way.)
 */
const inPairs = { maxWorkers: 2 };

/** One file at a time: they kill servers under load, and keep both cores busy by themselves. */
const oneByOne = { fileParallelism: false };

/** One after the other in this order: they share two things, the machine and the build in `dist`. */
const inTurn = (groupOrder: number) => ({ sequence: { groupOrder } });

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...inTurn(0), name: 'unit', include: ['test/unit/**/*.test.ts'], pool: 'threads', isolate: false,
          // It is there to end what hangs; five seconds are too few where others use the machine.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          ...onServers, ...inPairs, ...inTurn(1), name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 60_000,
          globalSetup: ['test/support/global-rabbitmq.ts'],
        },
      },
      {
        test: {
          ...onServers, ...inPairs, ...inTurn(1), name: 'integration', include: ['test/integration/**/*.test.ts'], testTimeout: 60_000,
          globalSetup: ['test/support/global-build.ts', 'test/support/global-rabbitmq.ts'],
        },
      },
      {
        test: {
          ...onServers, ...oneByOne, ...inTurn(2), name: 'faults', include: ['test/faults/**/*.test.ts'], testTimeout: 300_000,
          globalSetup: ['test/support/global-build.ts'],
        },
      },
      {
        test: {
          ...onServers, ...oneByOne, ...inTurn(3), name: 'package', include: ['test/package/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000, maxConcurrency: 2,
        },
      },
    ],
  },
});
