import { ConfigurationError } from '../errors.js';

/** What stands between the scheme and the path, and what comes after it. */
const PARTS = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/is;

/**
 * Refuses a URL whose password was probably written as it is: a "/", "?" or "#" in it ends the host for every reader
 * of URLs, so that the rest of the password would be taken for a path or a database, and be shown as one.
 *
 * @param what the option that has it, for the text, which never repeats the URL
 * @throws ConfigurationError that says how to encode it
 */
export function refuseStrayCredentials(url: string, what: string): void {
  const [, , rest = ''] = PARTS.exec(url) ?? [];
  if (!rest.includes('@') && !rest.includes('#')) return;
  throw new ConfigurationError(
    `${what} has ${rest.includes('@') ? 'an "@" behind its host' : 'a "#"'}, so its user or password probably holds a character that must be encoded. `
    + 'Write "/" as %2F, "?" as %3F, "#" as %23, "@" as %40, ":" as %3A and "%" as %25, or encodeURIComponent(password).');
}

/** A URL for people, without its password. It has passed {@link refuseStrayCredentials}. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z0-9+.-]+:\/\/[^/@:]*):[^/]*@/i, '$1:***@');
}
