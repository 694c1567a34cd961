import { badRequest } from './refusal.js';

const MOST_TEXT = 10_000;

/** What somebody has sent, as a query or as the fields of an action, read one by one. Each method throws a Refusal. */
export class Fields {
  constructor(private readonly found: Readonly<Record<string, unknown>>) {}

  static ofQuery(query: URLSearchParams): Fields {
    return new Fields(Object.fromEntries(query));
  }

  /** Empty is absent: a form sends what nobody filled in. */
  text(name: string, most = MOST_TEXT): string | undefined {
    const value = this.raw(name);
    if (value === undefined || value === '') return undefined;
    if (typeof value !== 'string') throw badRequest(`"${name}" must be a text.`);
    if (value.length > most) throw badRequest(`"${name}" is longer than ${most} characters.`);
    return value;
  }

  required(name: string, most = MOST_TEXT): string {
    const value = this.text(name, most);
    if (value === undefined) throw badRequest(`"${name}" is missing.`);
    return value;
  }

  number(name: string, least: number, most: number): number | undefined {
    const found = this.raw(name);
    if (found === undefined || found === '') return undefined;
    const value = typeof found === 'string' ? Number(found) : found;
    if (typeof value !== 'number' || !(value >= least && value <= most)) throw badRequest(`"${name}" must be a number from ${least} to ${most}.`);
    return value;
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const choice = choices.find((each) => each === value);
    if (choice === undefined) throw badRequest(`"${name}" must be one of ${choices.join(', ')}.`);
    return choice;
  }

  list(name: string, most: number): string[] {
    const value = this.raw(name);
    if (!Array.isArray(value) || value.length === 0 || value.length > most || !value.every((one) => typeof one === 'string' && one !== '')) {
      throw badRequest(`"${name}" must be a list of 1 to ${most} texts.`);
    }
    return value as string[];
  }

  /** As it was sent, unchecked. */
  raw(name: string): unknown {
    return Object.hasOwn(this.found, name) ? this.found[name] : undefined;
  }
}
