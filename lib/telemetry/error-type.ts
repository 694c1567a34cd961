import { isA, propertyOf } from '../task/error-text.js';

/** What the conventions say where no better is known. */
const OTHER = '_OTHER';

/** What kind of failure it is, in one of few words: a code, or the name of a class. Whatever was thrown: it is a user's. */
export function errorType(error: unknown): string {
  const code = propertyOf(error, 'code');
  if (typeof code === 'string' && code !== '') return code;
  const name = isA(error, Error) ? propertyOf(error, 'name') : undefined;
  return typeof name === 'string' && name !== '' ? name : OTHER;
}
