import type { TestProject } from 'vitest/node';
import { findServer } from '../../scripts/find-result-servers.mjs';
import { RedisServer } from './redis.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A Redis that every test may use and none may stop; empty where there is none on this machine. See `shared-redis.ts`. */
    sharedRedisUrl: string;
  }
}

/** Starts one Redis for all test files of a project. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (findServer('redis-server') === undefined) {
    project.provide('sharedRedisUrl', '');
    return () => Promise.resolve();
  }
  const server = await RedisServer.start();
  project.provide('sharedRedisUrl', server.url);
  return () => server.stop();
}
