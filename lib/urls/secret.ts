import { inspect } from 'node:util';

const SHOWN = '***';

/**
 * Holds what nobody may see by printing whatever holds it: a log of an object, `util.inspect` at any depth, JSON,
 * a debugger's copy. Whoever needs the value says {@link reveal}, and keeps it nowhere.
 */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
