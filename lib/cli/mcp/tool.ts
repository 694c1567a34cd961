import { display } from '../../task/argument-types.js';
import { UsageError } from '../failures.js';
import type { Session } from '../session/session.js';

/** What an argument of a tool may be, in the words of JSON Schema. */
export type Property = { readonly description: string } & (
  | { readonly type: 'string'; readonly enum?: readonly string[]; readonly maxLength?: number }
  | { readonly type: 'integer'; readonly minimum: number; readonly maximum: number }
  | { readonly type: 'array'; readonly items: { readonly type: 'string' }; readonly minItems: number; readonly maxItems: number }
  | { readonly type: 'object' }
);

export type Given = Readonly<Record<string, unknown>>;

/** Something that an assistant may call. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly properties: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
  /** `look` changes nothing; what `destroy`s cannot be undone. */
  readonly kind: 'look' | 'change' | 'destroy';
  readonly run: (session: Session, given: Given) => Promise<unknown>;
}

const LONGEST_TEXT = 10_000;

export function schemaOf({ properties, required = [] }: Tool): object {
  return { type: 'object', properties, required, additionalProperties: false };
}

export function annotationsOf({ title, kind }: Tool): object {
  return { title, readOnlyHint: kind === 'look', destructiveHint: kind === 'destroy', idempotentHint: kind === 'look', openWorldHint: false };
}

/** By its schema. @throws UsageError that says what was expected */
export function checkedArguments({ properties, required = [], name }: Tool, given: unknown = {}): Given {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new UsageError(`The arguments of ${name} must be an object.`);
  for (const key of required) if ((given as Given)[key] === undefined) throw new UsageError(`${name} needs "${key}": ${properties[key]?.description ?? ''}`);
  for (const [key, value] of Object.entries(given)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property === undefined) throw new UsageError(`${name} has no argument "${key}"; there are ${Object.keys(properties).join(', ') || 'none'}.`);
    const problem = problemOf(property, value);
    if (problem !== undefined) throw new UsageError(`"${key}" of ${name} must be ${problem}; found ${display(value)}.`);
  }
  return given as Given;
}

function problemOf(property: Property, value: unknown): string | undefined {
  switch (property.type) {
    case 'string': {
      if (property.enum !== undefined) return property.enum.includes(value as string) ? undefined : `one of ${property.enum.join(', ')}`;
      const most = property.maxLength ?? LONGEST_TEXT;
      return typeof value === 'string' && value !== '' && value.length <= most ? undefined : `a text of at most ${most} characters`;
    }
    case 'integer': return Number.isSafeInteger(value) && (value as number) >= property.minimum && (value as number) <= property.maximum ? undefined : `a whole number from ${property.minimum} to ${property.maximum}`;
    case 'array': return Array.isArray(value) && value.length >= property.minItems && value.length <= property.maxItems && value.every((item) => typeof item === 'string' && item !== '')
      ? undefined : `a list of ${property.minItems} to ${property.maxItems} texts`;
    case 'object': return typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object';
  }
}
