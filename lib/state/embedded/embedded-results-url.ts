import { ConfigurationError } from '../../errors.js';

/** Where an `embedded:` URL keeps results. */
export interface EmbeddedResultsLocation {
  /** A folder, as written; `undefined`: in memory. */
  readonly folder: string | undefined;
  /** In memory: backends of one process with the same name share what they keep. `undefined`: shared with nobody. */
  readonly name?: string;
}

const FORMS = "'embedded:' (in memory), 'embedded:#name' (in memory, shared by that name inside one process), 'embedded:./folder' or 'embedded:/absolute/folder' (on disk)";

/** @throws ConfigurationError when the text is not such a URL */
export function parseEmbeddedResultsUrl(url: string): EmbeddedResultsLocation {
  const rest = url.slice('embedded:'.length);
  if (rest === '') return { folder: undefined };
  if (rest.startsWith('#') && rest.length > 1) return { folder: undefined, name: rest.slice(1) };
  if (rest.startsWith('//') || rest.startsWith('#') || rest.includes('\0') || rest.trim() === '') {
    throw new ConfigurationError(`The result backend '${url}' cannot be used: it names neither memory nor a folder. Write one of ${FORMS}.`, { url });
  }
  return { folder: rest };
}
