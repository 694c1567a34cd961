import { createRequire } from 'node:module';
import { ConfigurationError } from '../errors.js';
import type { FolderUse } from './folder-problem.js';

const load = createRequire(__filename);

/**
 * The driver, which only those install who keep tasks or results in a folder.
 *
 * Loaded with the first folder: the native library costs 11 MiB, which a worker on RabbitMQ should not pay.
 *
 * @throws ConfigurationError with the command that installs it, when it is missing or not for this system
 */
export function loadDriver(use: FolderUse, folder: string, require: (name: string) => unknown = load): typeof import('lmdb') {
  try {
    return require('lmdb') as typeof import('lmdb');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'MODULE_NOT_FOUND' && message.includes("'lmdb'") ? 'it is not installed' : `it cannot be loaded (${message})`;
    throw new ConfigurationError(
      `The ${use.name} needs the package lmdb for its folder '${folder}', and ${why}. Install it: npm install lmdb. In memory (embedded:) and on RabbitMQ it is not needed.`,
      { folder, peer: 'lmdb' }, error);
  }
}
