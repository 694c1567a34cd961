import { inject } from 'vitest';
import './global-redis.js';

/** Whether there is a Redis on this machine. */
export const hasRedis = (): boolean => inject('sharedRedisUrl') !== '';

/** The Redis that all tests share. Use names of your own, and never stop it; it goes with all that is in it. */
export function sharedRedisUrl(): string {
  return inject('sharedRedisUrl');
}
