import { ConfigurationError } from '../../errors.js';
import { withoutPassword } from '../../urls/credentials.js';

/** Where an `embedded:` URL keeps its messages. @publicApi */
export interface EmbeddedLocation {
  /** A folder on this machine, as written in the URL; `undefined` = in memory. */
  readonly location: string | undefined;
  /** Brokers of one process with the same name share one store in memory. `undefined` = shared with nobody. */
  readonly name?: string;
}

const EXAMPLES =
  "'embedded:' (in memory), 'embedded:#name' (in memory, shared by that name inside one process), " +
  "'embedded:./folder' or 'embedded:/absolute/folder' (durable, on disk)";

/**
 * Reads an `embedded:` URL. Relative folders stay relative: the configuration makes them absolute
 * before, and the broker when it is made.
 * @throws ConfigurationError when the text is not such a URL
 */
export function parseEmbeddedUrl(url: string): EmbeddedLocation {
  const rest = /^embedded:(.*)$/is.exec(url)?.[1];
  if (rest === undefined) throw malformed(url, "it does not begin with 'embedded:'");
  if (rest === '') return { location: undefined };
  if (rest.startsWith('#')) return { location: undefined, name: nameOf(url, rest.slice(1)) };
  if (rest.startsWith('//')) {
    throw malformed(url, "an embedded broker has no host, so nothing follows 'embedded:' but a folder: leave out the '//'");
  }
  if (rest.includes('\0')) throw malformed(url, 'a folder cannot contain a zero byte');
  if (rest.trim() === '') throw malformed(url, 'the folder is blank');
  return { location: rest };
}

function nameOf(url: string, name: string): string {
  if (name.trim() === '') throw malformed(url, "there is no name after '#'");
  return name;
}

function malformed(url: string, found: string): ConfigurationError {
  // One that was meant for a server may have a password.
  const shown = withoutPassword(url);
  return new ConfigurationError(`The broker URL '${shown}' cannot be used: ${found}. Write one of ${EXAMPLES}.`, { url: shown });
}
