import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidArgumentsError } from '../errors.js';
import { toHandlerValue } from './argument-types.js';
import { propertyOf } from './error-text.js';
import { Issues } from './issues.js';
import type { TaskArgument } from './task.js';

/**
 * What the arguments of a task are checked by: one schema for its first argument, or a list with one for each. Any
 * Standard Schema will do: zod, valibot, arktype and others. Source: https://standardschema.dev.
 *
 * @publicApi
 */
export type TaskSchema = StandardSchemaV1 | readonly StandardSchemaV1[];

/** Schemas by the position of the argument, and one of the whole list. */
export interface ArgumentSchemas {
  readonly byPosition: readonly (StandardSchemaV1 | undefined)[];
  /** No more arguments than there are schemas. */
  readonly isComplete: boolean;
  readonly ofAll?: StandardSchemaV1 | undefined;
}

export function isSchema(value: unknown): value is StandardSchemaV1 {
  return typeof propertyOf(propertyOf(value, '~standard'), 'validate') === 'function';
}

export function schemasOf(schema: TaskSchema): ArgumentSchemas {
  return isList(schema) ? { byPosition: schema, isComplete: true } : { byPosition: [schema], isComplete: false };
}

/**
 * What the schemas make of the arguments; those without a schema stay as they are.
 *
 * @throws InvalidArgumentsError with all that is wrong with any of them; or what a schema throws
 */
export async function checkedArguments(task: string, { byPosition, isComplete, ofAll }: ArgumentSchemas, values: readonly unknown[]): Promise<unknown[]> {
  const issues: string[] = [];
  const checked = [...values];
  for (const [position, schema] of byPosition.entries()) {
    if (schema === undefined) continue;
    const result = await schema['~standard'].validate(values[position]);
    if (result.issues !== undefined) issues.push(...textsOf(result.issues, `argument ${position}`));
    else if (position < values.length || result.value !== undefined) checked[position] = result.value;
  }
  if (isComplete && values.length > byPosition.length) issues.push(`argument ${byPosition.length}: it takes ${byPosition.length === 1 ? 'one' : byPosition.length}, and ${values.length} were given`);
  const whole = ofAll === undefined ? undefined : await ofAll['~standard'].validate(checked);
  if (whole?.issues !== undefined) issues.push(...textsOf(whole.issues, 'arguments'));
  if (issues.length > 0) throw invalidArguments(task, issues);
  return whole === undefined ? checked : (whole as { readonly value: unknown[] }).value;
}

/** As {@link checkedArguments}, of a task that is about to be sent. What is sent stays as it is: the handler gets what the schemas make of it. */
export async function checkBeforeSending(task: string, schemas: ArgumentSchemas, args: readonly TaskArgument[]): Promise<void> {
  await checkedArguments(task, schemas, args.map(({ type, value }) => toHandlerValue(type, value)));
}

const LONGEST_MESSAGE = 1_500;

export function invalidArguments(task: string, issues: readonly string[], cause?: unknown): InvalidArgumentsError {
  const text = issues.join('; ');
  const shown = text.length <= LONGEST_MESSAGE ? text : `${text.slice(0, LONGEST_MESSAGE)}... (${issues.length} in all)`;
  return new InvalidArgumentsError(`Task "${task}" has arguments that its handler does not take: ${shown}`, issues, { task }, cause);
}

function textsOf(list: readonly StandardSchemaV1.Issue[], place: string): string[] {
  const issues = new Issues();
  issues.addAllOf(list);
  return issues.texts('it is not valid').map((text) => `${place}: ${text}`);
}

function isList(schema: TaskSchema): schema is readonly StandardSchemaV1[] {
  return Array.isArray(schema);
}
