import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { checkCount, refuseUnknown, requireObject } from './config-checks.js';

/** Where tasks with `thread: true` run. @publicApi */
export interface ThreadsConfig {
  /**
   * The file of the Nest module that each thread makes a context of, absolute: `require.resolve('./image.module')`, or
   * in an ES module `new URL('./image.module.js', import.meta.url)`. It exports the module as its default, or as the only
   * module class. Required.
   */
  module: string | URL;
  /** How many threads. Default: one less than the cores, at least 1. */
  size?: number;
  /** How many started tasks may wait for a thread; further ones are given back to their queue for a second, uncharged. Default: 100. */
  maxQueue?: number;
}

export interface ResolvedThreads {
  /** A path. */
  readonly module: string;
  /** `undefined`: as many as the machine suggests. */
  readonly size: number | undefined;
  readonly maxQueue: number;
  /** That relative folders of the threads' module belong to. */
  readonly workingFolder: string;
}

/** @throws ConfigurationError */
export function checkThreads(threads: ThreadsConfig | undefined, workingFolder: string): ResolvedThreads | undefined {
  if (threads === undefined) return undefined;
  requireObject(threads, 'threads', "{ module: require.resolve('./image.module') }");
  refuseUnknown(threads, ['module', 'size', 'maxQueue'], 'threads');
  const { module, size, maxQueue }: ThreadsConfig = threads;
  return {
    module: modulePath(module),
    size: size === undefined ? undefined : checkCount(size, 'threads.size', { minimum: 1, fallback: 1 }),
    maxQueue: checkCount(maxQueue, 'threads.maxQueue', { minimum: 0, fallback: 100 }),
    workingFolder,
  };
}

function modulePath(module: unknown): string {
  if (module instanceof URL && module.protocol === 'file:') return fileURLToPath(module);
  if (typeof module === 'string' && module.startsWith('file:')) return fileURLToPath(module);
  if (typeof module === 'string' && isAbsolute(module)) return module;
  throw new ConfigurationError(
    `threads.module must be the absolute path or the file: URL of the file that exports the Nest module; found ${display(module)}. `
    + "A class cannot be handed to a thread. Write require.resolve('./image.module'), or new URL('./image.module.js', import.meta.url).", { option: 'threads.module' });
}
