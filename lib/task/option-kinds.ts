import { types } from 'node:util';

/** What an option may hold. */
export interface OptionKind {
  /** As what follows "must be". */
  readonly expected: string;
  fits(value: unknown): boolean;
}

export const anything: OptionKind = { expected: 'given', fits: () => true };

export const trueOrFalse: OptionKind = { expected: 'true or false', fits: (value) => typeof value === 'boolean' };

export const date: OptionKind = {
  expected: 'a Date that is one, such as new Date(2030, 0, 31)',
  fits: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
};

export const finite: OptionKind = { expected: 'a finite number', fits: (value) => Number.isFinite(value) };

/** `Infinity` is a number too: no limit. */
export const numberFromZero: OptionKind = { expected: 'a number, 0 or more', fits: (value) => typeof value === 'number' && value >= 0 };

/** `Infinity` among them: no limit. */
export const wholeFromZero: OptionKind = {
  expected: 'a whole number, 0 or more',
  fits: (value) => value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0),
};

export const callable: OptionKind = { expected: 'a function', fits: (value) => typeof value === 'function' };

/** A promise in place of its answer would be no answer. */
export const answersAtOnce: OptionKind = { expected: 'a function that is not asynchronous', fits: (value) => typeof value === 'function' && !isAsynchronous(value) };

export const listOfTexts: OptionKind = {
  expected: 'a list of texts, none of them empty',
  fits: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== ''),
};

export function text(most = 1_000, least = 1): OptionKind {
  return { expected: `a text of ${least} to ${most} characters`, fits: (value) => typeof value === 'string' && value.length >= least && value.length <= most };
}

export function wholeWithin(least: number, most: number): OptionKind {
  return { expected: `a whole number from ${least} to ${most}`, fits: (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most };
}

export function oneOf(choices: readonly string[]): OptionKind {
  return { expected: `one of ${choices.map((choice) => `"${choice}"`).join(', ')}`, fits: (value) => choices.includes(value as string) };
}

/** True for a function whose answer could only be a promise or an iterator: as a yes or no, it would always be a yes. */
export function isAsynchronous(value: unknown): boolean {
  return types.isAsyncFunction(value) || types.isGeneratorFunction(value);
}
