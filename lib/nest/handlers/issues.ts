import { HttpException } from '@nestjs/common';
import { isA, messageOf, propertyOf } from '../../task/error-text.js';
import { Issues } from '../../task/issues.js';

/** Every issue of a failed validation, one text each, `path: message`; at least one. Never throws. */
export function issuesIn(thrown: unknown): readonly string[] {
  const found = new Issues();
  found.addAllOf(isA(thrown, HttpException) ? responseOf(thrown) : thrown);
  // A pipe of one's own often says only that it failed, and what failed as its cause.
  if (found.isUseless) found.addAllOf(propertyOf(thrown, 'cause'));
  return found.texts(messageOf(thrown));
}

function responseOf(exception: HttpException): unknown {
  try {
    return exception.getResponse();
  } catch {
    return undefined;
  }
}
