import { HttpException } from '@nestjs/common';
import { InvalidArgumentsError } from '../../errors.js';
import { isA, isList, propertyOf } from '../../task/error-text.js';
import { issuesIn } from './issues.js';

/**
 * These say that the same may go well later, or that it is not the argument's fault: who may (401, 403), what is not there
 * yet (404), what is in use, too early or too much (408, 409, 423, 424, 425, 429).
 */
const MAY_GO_WELL_LATER: ReadonlySet<number> = new Set([401, 403, 404, 408, 409, 423, 424, 425, 429]);

/**
 * Everything that is wrong with an argument, if that is what a pipe says with what it threw; `undefined` where the pipe
 * itself has failed: a database that is away says nothing of the argument. Never throws.
 */
export function issuesOf(thrown: unknown): readonly string[] | undefined {
  if (isA(thrown, InvalidArgumentsError)) return thrown.issues;
  if (isA(thrown, HttpException)) return isAboutTheArgument(statusOf(thrown)) ? issuesIn(thrown) : undefined;
  return isValidationFailure(thrown) ? issuesIn(thrown) : undefined;
}

function isAboutTheArgument(status: unknown): boolean {
  return typeof status === 'number' && status >= 400 && status < 500 && !MAY_GO_WELL_LATER.has(status);
}

function statusOf(exception: HttpException): unknown {
  try {
    return exception.getStatus();
  } catch {
    return undefined;
  }
}

/** As zod, valibot and others with `issues` say it; joi and yup, by their name; class-validator, which throws its list itself. */
function isValidationFailure(thrown: unknown): boolean {
  if (isList(propertyOf(thrown, 'issues'))) return true;
  if (isList(thrown)) return propertyOf(thrown, 'length') !== 0 && isClassValidators(propertyOf(thrown, '0'));
  return propertyOf(thrown, 'name') === 'ValidationError' && (isList(propertyOf(thrown, 'details')) || isList(propertyOf(thrown, 'errors')));
}

function isClassValidators(error: unknown): boolean {
  return typeof propertyOf(error, 'property') === 'string' && (propertyOf(error, 'constraints') !== undefined || isList(propertyOf(error, 'children')));
}
