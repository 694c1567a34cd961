import { ConfigurationError } from '../errors.js';

/**
 * Loads a driver that only users of one backend need to install.
 * @throws ConfigurationError with the command that installs it, when it is missing
 */
export async function loadPeer<T>(peer: string, scheme: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes(`'${peer}'`);
    if (!missing) throw error;
    throw new ConfigurationError(`A result backend of the form ${scheme} needs the package ${peer}, which is not installed. Install it: npm install ${peer}`, { peer }, error);
  }
}
