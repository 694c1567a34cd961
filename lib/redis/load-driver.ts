import { ConfigurationError } from '../errors.js';

/** The driver's own module, where it is installed. */
export type RedisDriver = typeof import('@redis/client');

/**
 * Loads the driver of Redis, which only those install who use Redis.
 *
 * @param use what needs it, as the beginning of a sentence
 * @throws ConfigurationError with the command that installs it, when it is missing
 */
export async function loadRedisDriver(use: string, load: () => Promise<RedisDriver> = () => import('@redis/client')): Promise<RedisDriver> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes("'@redis/client'");
    if (!missing) throw error;
    throw new ConfigurationError(`${use} needs the package @redis/client, which is not installed. Install it: npm install @redis/client`, { peer: '@redis/client' }, error);
  }
}
