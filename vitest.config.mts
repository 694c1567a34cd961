import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { knownDurations, longestFirst } from './scripts/test-durations.mjs';

/**
 * Processes, not threads, for whatever opens sockets or files. One process takes many files one after the other, so that the
 * library, Nest and the clients of servers are read once and not once a file: what a file left behind, its leak guard tells.
 */
const onServers = {
  pool: 'forks' as const,
  isolate: false,
  setupFiles: ['test/support/leak-guard.ts'],
  hookTimeout: 300_000,
  // Real servers on a busy machine: what fails is tried once more, and the report says so ("retry x1").
  retry: 1,
};

/**
 * Three files at a time, of whatever project: most of what they do is to wait, for a delay, a lease, a reconnect, a server
 * that starts. They share one RabbitMQ, with names of their own, and count nothing that belongs to all of it; what kills
 * a server has one of its own.
 */
const alongside = { maxWorkers: 3, sequence: { groupOrder: 1 } };

/** In this order, so that a process finds more files of its project; the project with the shortest files last, so that all end together. */
const PROJECTS = ['unit', 'package', 'browser', 'faults', 'integration', 'contract'];

/** By what was recorded of a whole run: what vitest itself keeps of durations, a fresh clone does not have. */
class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const sorted = longestFirst(files, ({ moduleId }) => relative(root, moduleId), knownDurations(root));
    return Promise.resolve(PROJECTS.flatMap((project) => sorted.filter((file) => file.project.name === project)));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          sequence: { groupOrder: 0 }, name: 'unit', include: ['test/unit/**/*.test.ts'], pool: 'threads', isolate: false,
          // It is there to end what hangs; five seconds are too few where others use the machine.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          ...onServers, ...alongside, name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 60_000,
          globalSetup: ['test/support/global-rabbitmq.ts'],
        },
      },
      {
        test: {
          ...onServers, ...alongside, name: 'integration', include: ['test/integration/**/*.test.ts'], testTimeout: 60_000,
          globalSetup: ['test/support/global-build.ts', 'test/support/global-rabbitmq.ts', 'test/support/global-redis.ts'],
        },
      },
      {
        test: {
          ...onServers, ...alongside, name: 'faults', include: ['test/faults/**/*.test.ts'], testTimeout: 300_000,
          globalSetup: ['test/support/global-build.ts'],
        },
      },
      {
        test: {
          ...onServers, ...alongside, name: 'browser', include: ['test/browser/**/*.test.ts'], testTimeout: 120_000,
          globalSetup: ['test/support/global-page.ts', 'test/support/global-rabbitmq.ts'],
        },
      },
      {
        test: {
          ...onServers, ...alongside, name: 'package', include: ['test/package/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000, maxConcurrency: 2,
        },
      },
    ],
  },
});
