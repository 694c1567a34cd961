import { defineConfig } from 'vitest/config';

const shared = { include: [] as string[], pool: 'threads' as const };

export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false } },
      { test: { ...shared, name: 'contract', include: ['test/contract/**/*.test.ts'], pool: 'forks', testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: false } },
      { test: { ...shared, name: 'integration', include: ['test/integration/**/*.test.ts'], pool: 'forks', testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: false } },
      { test: { ...shared, name: 'faults', include: ['test/faults/**/*.test.ts'], pool: 'forks', testTimeout: 300_000, hookTimeout: 120_000, fileParallelism: false } },
      { test: { ...shared, name: 'package', include: ['test/package/**/*.test.ts'], pool: 'forks', testTimeout: 600_000, hookTimeout: 600_000, fileParallelism: false } },
    ],
  },
});
